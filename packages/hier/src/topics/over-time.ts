import { DdclError } from '@ddcl/core';
import { requireArgument, requireWhole } from '../checks/require.ts';
import { parseDate } from './dates.ts';
import { requireTopic } from './require-topic.ts';

/** How long a bin is. */
export type Period = 'hour' | 'day' | 'week' | 'month' | 'quarter' | 'year' | 'decade';

const periods: readonly Period[] = ['hour', 'day', 'week', 'month', 'quarter', 'year', 'decade'];

export interface TopicsOverTime {
  readonly period: Period;
  /** Where each bin begins, milliseconds since 1970 in UTC; bins without documents between others are there too. */
  readonly starts: Float64Array;
  /** Documents of each topic in each bin, [K, bins]. */
  readonly counts: Float64Array;
  /** Documents with a date. */
  readonly dated: number;
  /** Documents whose date could not be read, and the first of what came instead. */
  readonly unreadable: { readonly count: number; readonly examples: readonly string[] };
  /** Documents without a date. */
  readonly undated: number;
}

export interface TimeCounts {
  /**
   * @param value as `parseDate` takes it; `undefined`, null and an empty text are no date
   * @throws DdclError `argument` for a topic that there is not
   */
  add(topic: number, value: unknown): void;
  result(): TopicsOverTime;
}

const hour = 3_600_000;
/** The longest period that still makes this many bins is taken, so that a plot has enough of them. */
const fewestBins = 12;
const mostBins = 10_000;

/**
 * Counts documents by topic and time, over a stream; kept is a row of K numbers for each hour that has documents. Periods are those of the calendar in UTC, weeks begin on Monday.
 *
 * @param topics K
 * @param period default: the longest one that makes at least 12 bins, or hours
 * @throws DdclError `argument` for options out of range
 */
export function timeCounts(topics: number, period?: Period): TimeCounts {
  requireWhole('The number of topics', topics, 1);
  requireArgument('period', period, period === undefined || periods.includes(period), `one of ${periods.join(', ')}`);
  const hours = new Map<number, Float64Array>();
  const examples: string[] = [];
  let [dated, unreadable, undated] = [0, 0, 0];
  return {
    add(topic, value) {
      requireTopic(topic, topics);
      if (value === undefined || value === null || value === '') {
        undated++;
        return;
      }
      const time = parseDate(value);
      if (time === undefined) {
        unreadable++;
        const shown = typeof value === 'object' ? (JSON.stringify(value) ?? 'an object') : String(value);
        if (examples.length < 5) examples.push(shown.length > 60 ? `${shown.slice(0, 60)}...` : shown);
        return;
      }
      dated++;
      const at = Math.floor(time / hour);
      const row = hours.get(at) ?? new Float64Array(topics);
      row[topic]! += 1;
      hours.set(at, row);
    },
    result() {
      const counted = { dated, unreadable: { count: unreadable, examples }, undated };
      if (hours.size === 0)
        return { period: period ?? 'day', starts: new Float64Array(0), counts: new Float64Array(0), ...counted };
      let [first, last] = [Infinity, -Infinity];
      for (const at of hours.keys()) [first, last] = [Math.min(first, at), Math.max(last, at)];
      const chosen = period ?? periods.findLast((each) => binsBetween(first, last, each) >= fewestBins) ?? 'hour';
      const bins = binsBetween(first, last, chosen);
      if (bins > mostBins)
        throw new DdclError(
          'limit',
          `Dates from ${isoDay(first)} to ${isoDay(last)} make ${bins} bins of a ${chosen}, but at most ${mostBins} are drawn. Choose a longer period.`,
        );
      const from = binOf(first * hour, chosen);
      const counts = new Float64Array(topics * bins);
      for (const [at, row] of hours) {
        const bin = binOf(at * hour, chosen) - from;
        row.forEach((own, topic) => (counts[topic * bins + bin]! += own));
      }
      return {
        period: chosen,
        starts: Float64Array.from({ length: bins }, (_, bin) => startOf(from + bin, chosen)),
        counts,
        ...counted,
      };
    },
  };
}

const isoDay = (at: number): string => new Date(at * hour).toISOString().slice(0, 10);

const binsBetween = (first: number, last: number, period: Period): number =>
  binOf(last * hour, period) - binOf(first * hour, period) + 1;

/** Months of a period that is made of them. */
const monthsOf: Partial<Readonly<Record<Period, number>>> = { month: 1, quarter: 3, year: 12, decade: 120 };
const hoursOf: Partial<Readonly<Record<Period, number>>> = { hour: 1, day: 24, week: 168 };
/** 1970 began on a Thursday. */
const monday = -72;

function binOf(time: number, period: Period): number {
  const months = monthsOf[period];
  if (months === undefined) return Math.floor((time / hour - (period === 'week' ? monday : 0)) / hoursOf[period]!);
  const date = new Date(time);
  return Math.floor((12 * date.getUTCFullYear() + date.getUTCMonth()) / months);
}

function startOf(bin: number, period: Period): number {
  const months = monthsOf[period];
  if (months === undefined) return hour * (bin * hoursOf[period]! + (period === 'week' ? monday : 0));
  const date = new Date(0);
  date.setUTCFullYear(Math.floor((bin * months) / 12), (bin * months) % 12, 1);
  return date.getTime();
}
