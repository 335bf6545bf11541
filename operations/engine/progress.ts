/** Says what takes long, how far it is and how long it may take: a spinner, or lines in a log. */
import ora from 'ora';

const secondsBetweenLines = 20;

export interface Progress {
  /** @param done share of the work, 0 to 1; undefined where it cannot be told */
  at(done: number | undefined): void;
  succeed(text: string): void;
  fail(text: string): void;
}

/**
 * @param what such as "building pulumi"
 * @param estimate what it took where it was measured, such as "about 4 minutes"
 */
export function startProgress(what: string, estimate: string): Progress {
  const begun = Date.now();
  const interactive = process.stderr.isTTY === true && process.env.CI === undefined;
  const spinner = ora({ text: `${what} (${estimate})`, isEnabled: interactive });
  if (interactive) spinner.start();
  else console.error(`- ${what} (${estimate})`);
  let said = begun;
  const elapsed = (): string => duration(Date.now() - begun);
  return {
    at(done) {
      const text = `${what}: ${state(done, Date.now() - begun)}`;
      if (interactive) {
        spinner.text = text;
      } else if (Date.now() - said >= secondsBetweenLines * 1000) {
        said = Date.now();
        console.error(`  ${text}`);
      }
    },
    succeed(text) {
      if (interactive) spinner.succeed(`${text} (${elapsed()})`);
      else console.error(`  ${text} (${elapsed()})`);
    },
    fail(text) {
      if (interactive) spinner.warn(text);
      else console.error(`  ${text}`);
    },
  };
}

function state(done: number | undefined, milliseconds: number): string {
  if (done === undefined || done < 0.02) return `${duration(milliseconds)} so far`;
  const left = (milliseconds / done) * (1 - done);
  return `${Math.floor(done * 100)} %, about ${duration(left)} left`;
}

export function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
