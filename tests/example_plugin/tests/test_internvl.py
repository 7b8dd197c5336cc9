"""The contract of amrg's backbones, on this plugin's miniature."""

from amrg_internvl import InternVL

from amrg.testing import contract

test_contract = contract(InternVL)
