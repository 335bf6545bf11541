/**
 * What a container does in a test of the cluster itself, where no bot has to run: it reads its key,
 * notes its start and its end in data/trades.log, and ends at once, with a reason, when the key says
 * `refused-by-exchange`.
 */
const book = '/home/hummingbot/data/trades.log';

/** @param variable name of the variable that has the path of the key's file */
export function bookKeeper(variable: string): string[] {
  const script = `
note() { echo "$(date +%s) $1 $HOSTNAME" >>${book}; }
key=$(cat "$${variable}") || exit 66
case $key in
*refused-by-exchange*)
  echo 'the exchange refuses the key of ${variable}' >&2
  exit 1
  ;;
esac
trap 'note stop; exit 0' TERM
note start
while :; do
  sleep 3600 &
  wait $!
done
`;
  return ['/bin/sh', '-c', script];
}

/** Succeeds once the pod that it is asked in has noted its start: one that ends at once never has. */
export const hasStarted = ['/bin/sh', '-c', `grep -q " start $HOSTNAME$" ${book}`];
