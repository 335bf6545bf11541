/** How soon a value that somebody else changes in a store is with the bot, and what that time is made of. */

export interface Outside {
  /** After so many seconds a store is asked again. */
  readonly refreshSeconds: number;
}

/** Between two looks at the mounted files; a change counts when two of them see the same. */
export const lookSeconds = 5;

/**
 * From a Secret to the files of a running pod. The kubelet comes by a pod every minute, its default,
 * and up to half as much later (`syncFrequency`; pkg/kubelet/pod_workers.go).
 */
const kubeletSeconds = 90;
/** For the operator's own work, and for clocks. */
const roomSeconds = 10;
const restSeconds = kubeletSeconds + 2 * lookSeconds + roomSeconds;

export const leastWithin = restSeconds + 10;
export const mostWithin = 86_400;

/** @param within seconds from the write in the store until the bot is told to stop */
export function outsideOf(within: number): Outside {
  return { refreshSeconds: within - restSeconds };
}

/** As Go writes a duration, without which server-side apply finds a conflict with the operator. */
export function goDuration(seconds: number): string {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const parts = [
    ...(hours > 0 ? [`${hours}h`] : []),
    ...(hours > 0 || minutes > 0 ? [`${minutes}m`] : []),
    `${seconds % 60}s`,
  ];
  return parts.join('');
}
