"""What pyproject.toml cannot say: the data and notebooks in the wheel, and the README as a package index shows it."""

import re
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
# Where infomerge.resources looks for what stands at the top of a checkout.
PACKAGED = {
    "data": ("README.md", "paper_tables.json", "results/*", "testbed/*.*", "testbed/*/*"),
    "notebooks": ("*.ipynb", "course/*.md", "course/*.ipynb", "course/solutions/*.ipynb", "course/source/*.py"),
}


class BuildWithResources(build_py):
    """Copies data and notebooks into the built package; an editable install finds them where they are."""

    def run(self) -> None:
        """Build, and copy what the package reads beside its code."""
        super().run()
        if self.editable_mode:
            return
        for folder, patterns in PACKAGED.items():
            for pattern in patterns:
                for source in sorted((ROOT / folder).glob(pattern)):
                    target = Path(self.build_lib, "infomerge", "shipped", source.relative_to(ROOT))
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(source, target)


def described() -> str:
    """README.md without pictures and links that lead to files of the checkout: an index has no such files."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    relative = r"(?!https?://|#)[^)\s]*"
    # A picture goes with the line in italics under it.
    text = re.sub(rf"!\[[^\]]*\]\({relative}\)\n*(\*[^*\n]+\*\n+)?", "", text)
    text = re.sub(r"<img\b[^>]*>\n*", "", text)
    return re.sub(rf"\[([^\]]*)\]\({relative}\)", r"\1", text)


setup(
    cmdclass={"build_py": BuildWithResources},
    long_description=described(),
    long_description_content_type="text/markdown",
)
