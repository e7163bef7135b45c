// Times and durations in words. They are shown in the time zone of the browser.

const UNITS = [['day', 86_400], ['hour', 3600], ['minute', 60], ['second', 1]];

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'always' });
const FULL = { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' };
const absolute = new Intl.DateTimeFormat('en-GB', FULL);
const ofYears = new Intl.DateTimeFormat('en-GB', { ...FULL, year: 'numeric' });
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const date = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });

/** How far the clock of the service is ahead of this one, in milliseconds. Answers say what time it is to the second. */
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

/** The time zone that times are shown in. */
export function zone() {
  return absolute.resolvedOptions().timeZone;
}

/** A time such as `27 Nov, 06:50:00`, with its year unless it is of these months. */
export function inFull(time) {
  return (Math.abs(time - now()) < 180 * 86_400_000 ? absolute : ofYears).format(time);
}

/** A time on an axis whose marks are `step` seconds apart. */
export function onAxis(time, step) {
  return (step < 86_400 ? clock : date).format(time);
}

/** How far away a time is, such as `in 23 h 59 min` or `5 minutes ago`. */
export function fromNow(time) {
  const seconds = Math.round((time - now()) / 1000);
  if (seconds > 0) return `in ${duration(seconds * 1000)}`;
  const [unit, length] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? UNITS.at(-1);
  return seconds === 0 ? 'now' : relative.format(Math.trunc(seconds / length), unit);
}

/** A length of time, such as `2 min 20 s`, of two units at most. */
export function duration(milliseconds) {
  // The beginning is by the clock of the cluster.
  if (milliseconds < 0) return 'not known: clocks differ';
  if (milliseconds < 1000) return 'less than 1 s';
  let rest = Math.round(milliseconds / 1000);
  const parts = [];
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count}\u00a0${{ day: count === 1 ? 'day' : 'days', hour: 'h', minute: 'min', second: 's' }[unit]}`);
    if (parts.length > 0 && (count === 0 || parts.length === 2)) break;
  }
  return parts.join(' ');
}
