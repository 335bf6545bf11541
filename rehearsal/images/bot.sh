#!/bin/sh
# Stands in for the bot: reads its keys, trades nothing, and keeps a book of when it ran.
# Exit 3: a key that the environment names is not there. Exit 1: the exchange refuses a key.
# No value is printed or leaves this process.
data=/home/hummingbot/data
book=$data/trades.log
refused=refused-by-exchange

stop_with() {
  echo "$2"
  exit "$1"
}

write() {
  echo "$(date -u +%s) $1 ${HOSTNAME:-unknown}" >>"$book" || stop_with 4 "cannot write $book"
}

for variable in $(env | sed -n 's/^\([A-Z0-9_]*_FILE\)=\/\(etc\|run\)\/secrets\/.*/\1/p'); do
  eval "file=\$$variable"
  [ -s "$file" ] && [ -r "$file" ] || stop_with 3 "$variable names a file that cannot be read"
  if grep -q "$refused" "$file"; then stop_with 1 "the exchange refuses the key of $variable"; fi
done
if [ -d /etc/secrets/trading ]; then
  [ -n "$(ls /etc/secrets/trading)" ] || stop_with 3 "/etc/secrets/trading holds no key"
fi
if env | grep -q "=.*$refused"; then stop_with 1 "the exchange refuses a key of the environment"; fi

stopping() {
  # How long it cancels orders; a test writes the number of seconds.
  seconds=$(cat "$data/shutdown-seconds" 2>/dev/null || echo 0)
  sleep "$seconds"
  write stop
  exit 0
}

trap stopping TERM INT
write start
echo "running"
while :; do
  sleep 1 &
  wait $!
done
