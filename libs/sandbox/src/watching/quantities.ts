/** `60 s`, `1.5 s`, `250 ms`, `20 min`: for messages. */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${ms} ms`;
  if (ms < 180_000) return `${round(ms / 1_000)} s`;
  return `${round(ms / 60_000)} min`;
}

/** `512 bytes`, `64 KB`, `1.5 GB` (powers of 1,024): for messages. */
export function bytesText(bytes: number): string {
  if (bytes < 1_024) return `${bytes} bytes`;
  const units = ['KB', 'MB', 'GB', 'TB'];
  let value = bytes / 1_024;
  let unit = 0;
  while (value >= 1_024 && unit < units.length - 1) {
    value /= 1_024;
    unit++;
  }
  return `${round(value)} ${units[unit]}`;
}

function round(value: number): string {
  return String(Math.round(value * 10) / 10);
}
