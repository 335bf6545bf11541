# Inside Debian with a compiler: Python's packages, those that come as source compiled.
set -e
home=/home/hummingbot
python3 -m venv $home/.venv
install() {
  $home/.venv/bin/pip install --require-hashes --no-deps --no-compile --no-cache-dir --no-input --progress-bar off "$@"
}
install --requirement /mnt/build-requirements.txt
install --no-build-isolation --requirement /mnt/requirements.txt
apt-get clean
