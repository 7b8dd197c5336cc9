"""A leaderboard → the methods statement of its run, by the items of TRIPOD-LLM, MI-CLEAR-LLM and CLAIM.

What the run's provenance tells is filled in; what no run can know stays blank and says what is asked. Nothing is
guessed: a folder in a data set's layout is not taken for the data set, nor a miniature for its namesake.
"""

from benchmark.board.methods_data import data_items, study_items
from benchmark.board.methods_model import Statement
from benchmark.board.methods_models import model_items
from benchmark.board.methods_results import evaluation_items, openness_items, result_items
from benchmark.board.model import Board


def methods(board: Board) -> Statement:
    """Return the methods statement of a leaderboard; the same leaderboard gives the same statement."""
    parts = (study_items, data_items, model_items, evaluation_items, result_items, openness_items)
    return Statement(suite=board.suite.name, items=tuple(item for part in parts for item in part(board)))
