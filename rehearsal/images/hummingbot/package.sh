# Inside the builder, which stays as it is: Hummingbot compiled into /mnt/package.
set -e
# Half the time, and what is slower then is the trading.
export WITHOUT_CYTHON_OPTIMIZATIONS=1
printf '[build_ext]\nparallel = %s\n' "$(nproc)" >/tmp/parallel.cfg
export DIST_EXTRA_CONFIG=/tmp/parallel.cfg
/home/hummingbot/.venv/bin/pip install --require-hashes --no-deps --no-compile --no-cache-dir --no-input \
  --progress-bar off --no-build-isolation --target /mnt/package --requirement /mnt/hummingbot.txt
