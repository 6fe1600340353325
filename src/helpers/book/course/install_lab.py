"""Install the course from this folder, without a network: python3 install.py."""

import subprocess
import sys
import venv
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


def main() -> None:
    """Make the environment ``venv`` in this folder, install the wheels into it, and say how to start."""
    made_with = (FOLDER / "python.txt").read_text("utf8").strip()
    wanted = ".".join(made_with.split(".")[:2])
    here = ".".join(map(str, sys.version_info[:3]))
    if not here.startswith(f"{wanted}."):
        sys.exit(f"The wheels are for Python {wanted}, this is {here}: run python{wanted} install.py.")
    place = FOLDER / "venv"
    print(f"Installing into {place}. This takes some minutes and about 2 GB.")
    venv.create(place, with_pip=True, clear=True)
    scripts = place / ("Scripts" if sys.platform == "win32" else "bin")
    python = scripts / ("python.exe" if sys.platform == "win32" else "python")
    options = ["--quiet", "--disable-pip-version-check", "--no-index", "--find-links", str(FOLDER / "wheels")]
    packages = (FOLDER / "packages.txt").read_text("utf8").split()
    installed = subprocess.run([str(python), "-m", "pip", "install", *options, *packages])
    if installed.returncode:
        sys.exit(f"pip stopped, see above. This is Python {here}, and the folder was made with {made_with}: use that.")
    question = "from helpers.book.course.check import check; check('1.1', 0.75)"
    subprocess.run([str(python), "-c", question], check=True, cwd=FOLDER / "course")
    print("Installed. Start the course, in this folder, with:")
    print(f"  {scripts.relative_to(FOLDER) / 'jupyter'} lab course/student")


if __name__ == "__main__":
    main()
