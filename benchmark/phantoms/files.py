"""The files of a phantom archive, in DMID's layout: images, masks, reports, `Info.txt`, `Metadata.xlsx`, DICOM."""

import io
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmark.phantoms.image import PhantomImage
from benchmark.phantoms.truth import CODES, SIGNS, PhantomTruth

IMAGES = Path("TIFF Images/TIFF Images")
MASKS = Path("ROI Masks/ROI Masks")
ANNOTATIONS = Path("Pixel-level annotation/Pixel-level annotation")
REPORTS = Path("Reports/Reports")
DICOMS = Path("DICOM Images/DICOM Images")
FIRST_DATA_ROW = 32
TISSUES = {"A": "F", "B": "G", "C": "D", "D": "D"}
RGBA_SHARE, CRLF_SHARE, MISSING_TISSUE_SHARE = 0.25, 0.15, 0.02
"""Shares of images with a fourth channel, of reports with Windows line ends, of rows without a tissue."""

_LEGEND = (
    ("Column", "Content", "Values"),
    ("1", "Image reference number", "IMG001 ..."),
    ("2", "View", "CC right, CC left: craniocaudal; MLO right, MLO left: mediolateral oblique"),
    ("3", "Character of background tissue", "F: fatty"),
    ("", "", "G: fatty-glandular"),
    ("", "", "D: dense-glandular"),
    ("", "", "-: not stated"),
    ("4", "Abnormality", "CALC: calcification"),
    ("", "", "CIRC: well-defined or circumscribed mass"),
    ("", "", "SPIC: spiculated mass"),
    ("", "", "ARCH: architectural distortion"),
    ("", "", "ASYM: asymmetry"),
    ("", "", "MISC: other"),
    ("", "", "NORM: normal"),
    ("5", "Class", "B: benign"),
    ("", "", "M: malignant"),
    ("", "", "N: normal"),
    ("6", "x of the centre, in pixels from the image's left edge", ""),
    ("7", "y of the centre, in pixels from the image's upper edge", ""),
    ("8", "Radius of a circle that encloses the abnormality, in pixels", "-: not stated"),
    ("", "An image with several abnormalities has several rows", ""),
    ("", "Digital phantoms: drawn, not taken of anybody", ""),
)
_HEADER = ("Image", "View", "Tissue", "Abnormality", "Class", "x", "y", "Radius")


def image_name(truth: PhantomTruth) -> str:
    """Return the stem of an image's file: `IMG001` for the report `Img001`."""
    return truth.id.upper()


def rows(truth: PhantomTruth, seed: int) -> list[tuple[str, str, str, str, str, str, str, str]]:
    """Return the index rows of an image: name, view, tissue, abnormality, class, x, y, radius; one for each finding."""
    rng = np.random.default_rng([seed, 20, truth.number])
    tissue = "-" if rng.random() < MISSING_TISSUE_SHARE else TISSUES[truth.density]
    start = (image_name(truth), f"{truth.view} {truth.laterality}", tissue)
    lesion_rows = [
        (
            *start,
            CODES[lesion.kind],
            lesion.pathology,
            str(lesion.x),
            str(lesion.y),
            "-" if lesion.kind in SIGNS else str(lesion.radius),
        )
        for lesion in truth.lesions
    ]
    return lesion_rows or [(*start, "NORM", "N", "", "", "")]


def write_image(folder: Path, truth: PhantomTruth, image: PhantomImage, seed: int) -> None:
    """Write the TIFF (8-bit, RGB or RGBA) and, where there is a finding with an extent, its mask and its outline."""
    rng = np.random.default_rng([seed, 21, truth.number])
    grey = to_bytes(image)
    channels = [grey] * 3
    if rng.random() < RGBA_SHARE:
        channels.append(np.full_like(grey, 255))
    _write_tiff(folder / IMAGES / f"{image_name(truth)}.tif", np.stack(channels, axis=-1))
    if image.mask.any():
        mask = np.where(image.mask, np.uint8(255), np.uint8(0))
        _write_tiff(folder / MASKS / f"{image_name(truth)}.tif", mask)
        _write_tiff(folder / ANNOTATIONS / f"{image_name(truth)}.tif", np.where(image.mask, grey, np.uint8(0)))


def to_bytes(image: PhantomImage) -> np.ndarray:
    """Return the pixels as [height, width] uint8."""
    return np.rint(image.pixels * 255).astype(np.uint8)


def _write_tiff(path: Path, pixels: np.ndarray) -> None:
    """Write uint8 [height, width] or [height, width, 3 or 4] without what depends on time or versions."""
    import tifffile

    colour = pixels.ndim == 3
    tifffile.imwrite(
        path,
        pixels,
        compression="lzw",
        photometric="rgb" if colour else "minisblack",
        extrasamples=["unassalpha"] if colour and pixels.shape[-1] == 4 else None,
        metadata=None,
        byteorder="<",
        software=False,
        rowsperstrip=64,
    )


def write_report(folder: Path, truth: PhantomTruth, text: str, seed: int) -> None:
    """Write a report, with Windows line ends in some."""
    rng = np.random.default_rng([seed, 22, truth.number])
    newline = "\r\n" if rng.random() < CRLF_SHARE else "\n"
    (folder / REPORTS / f"{truth.id}.txt").write_text(text, encoding="utf-8", newline=newline)


def write_info(path: Path, truths: Sequence[PhantomTruth], seed: int) -> None:
    """Write `Info.txt`: the index rows without the view, fields separated by blanks, no header."""
    lines = [" ".join(field for field in (row[0], *row[2:]) if field) for truth in truths for row in rows(truth, seed)]
    path.write_text("\n".join(lines) + "\n", encoding="ascii")


def write_metadata(path: Path, truths: Sequence[PhantomTruth], seed: int) -> None:
    """Write `Metadata.xlsx`: a legend, then the index rows from row 32 of `Sheet1`; numbers as numbers."""
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Sheet1"
    for line in _LEGEND:
        sheet.append(line)
    for column, title in enumerate(_HEADER, start=1):
        sheet.cell(FIRST_DATA_ROW - 1, column, title)
    line_number = FIRST_DATA_ROW
    for truth in truths:
        for row in rows(truth, seed):
            for column, value in enumerate(row, start=1):
                if value:
                    sheet.cell(line_number, column, int(value) if value.isdigit() else value)
            line_number += 1
    buffer = io.BytesIO()
    book.save(buffer)
    _write_undated(path, buffer)


def _write_undated(path: Path, book: io.BytesIO) -> None:
    """Copy a workbook without the times of its making and uncompressed, so that the same rows give the same bytes.

    Implementations of zlib compress the same content to different bytes.
    """
    with zipfile.ZipFile(book) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"2000-01-01T00:00:00Z", content)
            target.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)


def write_dicom(folder: Path, truth: PhantomTruth, image: PhantomImage, seed: int) -> None:
    """Write a digital mammogram for presentation: 12 bits, at times inverted (MONOCHROME1) or RLE-compressed."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import DigitalMammographyXRayImageStorageForPresentation, ExplicitVRLittleEndian, RLELossless

    rng = np.random.default_rng([seed, 23, truth.number])
    inverted, compressed = rng.random() < 0.3, rng.random() < 0.3
    values = np.rint(image.pixels * 4095).astype("<u2")
    data = Dataset()
    data.SOPClassUID = DigitalMammographyXRayImageStorageForPresentation
    data.SOPInstanceUID = _uid(seed, "image", truth.number)
    data.StudyInstanceUID = _uid(seed, "study", truth.patient)
    data.SeriesInstanceUID = _uid(seed, "series", truth.number)
    data.Modality = "MG"
    data.PatientID = f"PHANTOM{truth.patient:04d}"
    data.PatientName = f"Phantom^{truth.patient:04d}"
    data.BodyPartExamined = "BREAST"
    data.ImageLaterality = truth.laterality[0].upper()
    data.ViewPosition = truth.view
    data.PresentationIntentType = "FOR PRESENTATION"
    data.ImageType = ["DERIVED", "PRIMARY"]
    data.SamplesPerPixel = 1
    data.PhotometricInterpretation = "MONOCHROME1" if inverted else "MONOCHROME2"
    data.PresentationLUTShape = "INVERSE" if inverted else "IDENTITY"
    data.Rows, data.Columns = values.shape
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
    data.RescaleIntercept, data.RescaleSlope = "0", "1"
    data.WindowCenter, data.WindowWidth = "2048", "4096"
    data.PixelData = (4095 - values if inverted else values).tobytes()
    data.file_meta = FileMetaDataset()
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    if compressed:
        data.compress(RLELossless, encoding_plugin="pydicom", generate_instance_uid=False)
    data.save_as(folder / DICOMS / f"{image_name(truth)}.dcm", enforce_file_format=True)


def _uid(seed: int, kind: str, number: int) -> str:
    """Return a DICOM identifier, the same for the same phantom."""
    from pydicom.uid import generate_uid

    return generate_uid(entropy_srcs=["amrg phantom", str(seed), kind, str(number)])
