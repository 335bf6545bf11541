# Inside a copy of the builder: becomes the image. What the bot does not need at run time goes.
set -e
export DEBIAN_FRONTEND=noninteractive
home=/home/hummingbot
venv=$home/.venv
site=$(echo $venv/lib/python3.*/site-packages)

# As the official image has it: the package in the working directory, found from anywhere.
mv /mnt/package/hummingbot /mnt/package/bin $home/
mv /mnt/package/hummingbot-*.dist-info "$site/"
echo $home >"$site/hummingbot.pth"
for name in connectors strategies controllers scripts; do mkdir -p $home/conf/$name; done
for name in logs data certs scripts controllers; do mkdir -p $home/$name; done
cat >$venv/bin/hbot <<SCRIPT
#!$venv/bin/python
from hummingbot.cli.main import main

main()
SCRIPT
chmod 755 $venv/bin/hbot

# The compiler, and all that came with it.
$venv/bin/pip uninstall --quiet --yes cython wheel setuptools pip
dpkg-query --show --showformat '${Package} ${Priority}\n' |
  awk '$2 != "required" && $2 != "important" { print $1 }' | xargs apt-mark auto >/dev/null
apt-mark manual python3 ca-certificates libusb-1.0-0 >/dev/null
apt-get autoremove --purge --yes >/dev/null

# Nothing imports these.
for name in numpy scipy pandas numba; do
  find "$site/$name" -type d -name tests -prune -exec rm -rf {} +
done
rm -rf /usr/share/doc /usr/share/man /usr/share/info /usr/share/locale /usr/share/lintian
# And these are of the machine that it is made on.
rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/* /etc/apt/sources.list
rm -f /etc/pip.conf /etc/resolv.conf /etc/hostname

# The bot's root file system is read-only, so what is not compiled now is compiled at each start. Not
# by times, as is usual: the archive has none.
python3 -m compileall -q -f -j 0 --invalidation-mode unchecked-hash -x 'lib2to3/tests' \
  /usr/lib/python3* $home || true
