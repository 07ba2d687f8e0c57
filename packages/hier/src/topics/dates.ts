/** Years that a bare number of four digits means. */
const years = /^[12]\d{3}$/;
const digits = /^-?\d+(?:\.\d+)?$/;
/** Seconds up to the year 5138, then milliseconds from 1973 up to 5138. */
const [leastMilliseconds, leastMicroseconds] = [1e11, 1e14];
const iso =
  /^(\d{4})(?:-?(\d{2})(?:-?(\d{2})(?:[T ](\d{2}):?(\d{2})(?::?(\d{2})(?:[.,]\d+)?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?)?)?)?$/i;
const mail =
  /^(?:[a-z]{3},?\s+)?(\d{1,2})\s+(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\s+(\d{2}|\d{4})(?:\s+(\d{1,2}):(\d{2})(?::(\d{2}))?)?\s*([+-]\d{4}|gmt|ut|utc|est|edt|cst|cdt|mst|mdt|pst|pdt)?(?:\s*\(.*\))?$/i;
const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const zones: Readonly<Record<string, number>> = {
  est: -5,
  edt: -4,
  cst: -6,
  cdt: -5,
  mst: -7,
  mdt: -6,
  pst: -8,
  pdt: -7,
};

/**
 * A point in time of the years 0 to 9999, as milliseconds since 1970 in UTC, or undefined for what is none: a `Date`, a number (seconds since 1970, milliseconds from 10^11 on, a year from 1000 to 2999; none from 10^14 on, such as
 * microseconds), also as text unless ISO 8601 has a date of 4, 6 or 8 digits, ISO 8601 (`1993`, `1993-04`, `1993-04-22`, `1993-04-22T16:20:05Z`), or the date of a mail (`Thu, 22 Apr 1993 16:20:05 GMT`). Without a zone it is UTC. Nothing is left to `Date.parse`, which reads a date in `foo 1` and differs
 * between browsers.
 */
export function parseDate(value: unknown): number | undefined {
  if (value instanceof Date) return drawable(value.getTime());
  if (typeof value === 'bigint') return parseDate(Number(value));
  if (typeof value === 'number') {
    if (years.test(String(value))) return Date.UTC(value, 0);
    if (Math.abs(value) >= leastMicroseconds) return undefined;
    return drawable(Math.abs(value) >= leastMilliseconds ? value : 1000 * value);
  }
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  const found = iso.exec(text);
  if (found !== null) {
    const [, year, month = '1', day = '1', hour = '0', minute = '0', second = '0', zone = 'Z'] = found;
    return point(Number(year), Number(month), Number(day), [hour, minute, second], zone);
  }
  if (digits.test(text)) return parseDate(Number(text));
  const letter = mail.exec(text);
  if (letter === null) return undefined;
  const [, day, month, year, hour = '0', minute = '0', second = '0', zone = 'Z'] = letter;
  // RFC 2822, section 4.3.
  const whole = year!.length === 4 ? Number(year) : Number(year) + (Number(year) < 50 ? 2000 : 1900);
  return point(whole, months.indexOf(month!.toLowerCase()) + 1, Number(day), [hour, minute, second], zone);
}

function point(year: number, month: number, day: number, time: readonly string[], zone: string): number | undefined {
  const [hour, minute, second] = time.map(Number) as [number, number, number];
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const isDay = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (!isDay || hour > 24 || minute > 59 || second > 60 || (hour === 24 && minute + second > 0)) return undefined;
  const signed = /^([+-])(\d{2}):?(\d{2})?$/.exec(zone);
  if (signed !== null && (Number(signed[2]) > 23 || Number(signed[3] ?? 0) > 59)) return undefined;
  const offset =
    signed === null
      ? 60 * (zones[zone.toLowerCase()] ?? 0)
      : (signed[1] === '-' ? -1 : 1) * (60 * Number(signed[2]) + Number(signed[3] ?? 0));
  return drawable(date.getTime() + 1000 * (3600 * hour + 60 * (minute - offset) + second));
}

const [firstPoint, endPoint] = [Date.parse('0000-01-01'), Date.parse('9999-12-31') + 86_400_000];
/** What a page can show and bins can reach: one date of the year 255483 would make more bins than all others. */
const drawable = (value: number): number | undefined => (value >= firstPoint && value < endPoint ? value : undefined);
