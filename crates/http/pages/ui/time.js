// Times and durations in words. They are shown in the time zone of the browser.

const UNITS = [['day', 86_400], ['hour', 3600], ['minute', 60], ['second', 1]];

const DAY = { day: 'numeric', month: 'short' };
const CLOCK = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' };
const written = (time, parts) => new Date(time).toLocaleString('en-GB', parts);

/** How far the service's clock is ahead, in milliseconds. Answers have the time to the second. */
let ahead = 0;

/** Learns from the `Date` of an answer, unless the clocks agree. */
export function learnClock(text) {
  const there = Date.parse(text ?? '');
  const difference = there - Date.now();
  if (Number.isFinite(difference)) ahead = Math.abs(difference) < 5000 ? 0 : difference;
}

/** What time it is for the service, in milliseconds. */
export function now() {
  return Date.now() + ahead;
}

export function zone() {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** A time such as `27 Nov, 06:50:00`, with its year if long ago or far off. */
export function inFull(time) {
  const isNear = Math.abs(time - now()) < 180 * 86_400_000;
  return written(time, { ...DAY, ...CLOCK, second: '2-digit', year: isNear ? undefined : 'numeric' });
}

/** A time on an axis whose marks are `step` seconds apart. */
export function onAxis(time, step) {
  return written(time, step < 86_400 ? CLOCK : DAY);
}

/** How far away a time is, such as `in 23 h 59 min` or `5 min ago`. */
export function fromNow(time) {
  const seconds = Math.round((time - now()) / 1000);
  if (seconds === 0) return 'now';
  return seconds > 0 ? `in ${duration(seconds * 1000)}` : `${duration(-seconds * 1000, 1)} ago`;
}

/** A length of time, such as `2 min 20 s`, of so many units at most. */
export function duration(milliseconds, most = 2) {
  // The beginning is by the clock of the cluster.
  if (milliseconds < 0) return 'not known: clocks differ';
  if (milliseconds < 1000) return 'less than 1 s';
  let rest = Math.round(milliseconds / 1000);
  const parts = [];
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count}\u00a0${{ day: count === 1 ? 'day' : 'days', hour: 'h', minute: 'min', second: 's' }[unit]}`);
    if (parts.length > 0 && (count === 0 || parts.length === most)) break;
  }
  return parts.join(' ');
}
