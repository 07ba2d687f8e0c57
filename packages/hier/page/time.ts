import { leaves, type Corpus } from './data.ts';
import { byId, drawing, number, variable } from './dom.ts';
import type { Selection } from './selection.ts';

const [left, right, top, bottom] = [44, 10, 8, 24];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Documents of each topic over time, stacked; of the chosen topics alone where some are. */
export function createTimeline({ data, colours }: Corpus, selection: Selection): () => void {
  const { time } = data;
  if (time === null || time.starts.length === 0) {
    byId('time-section').hidden = true;
    return () => {};
  }
  const canvas = byId<HTMLCanvasElement>('time');
  const bins = time.starts.length;
  const order = leaves(data.tree);
  byId('time-note').textContent =
    `Documents by ${time.period}, ${number(time.dated)} with a date${time.unreadable > 0 ? `; ${number(time.unreadable)} dates could not be read` : ''}.`;
  const paint = drawing(canvas, (context, width, height) => {
    const shown = order.filter((topic) => selection.topics?.has(topic) ?? true);
    const totals = time.starts.map((_, bin) => shown.reduce((sum, topic) => sum + time.counts[topic]![bin]!, 0));
    const most = Math.max(1, ...totals);
    const [wide, high] = [width - left - right, height - top - bottom];
    const colour = colours();
    const muted = variable('muted');
    context.font = '11px system-ui, sans-serif';
    context.textBaseline = 'middle';
    context.textAlign = 'right';
    for (const value of ticks(most)) {
      const y = top + high * (1 - value / most);
      context.fillStyle = variable('grid');
      context.fillRect(left, Math.round(y), wide, 1);
      context.fillStyle = muted;
      context.fillText(number(value), left - 6, y);
    }
    const base = new Float64Array(bins);
    const step = wide / bins;
    for (const topic of shown) {
      context.fillStyle = colour[topic]!;
      for (let bin = 0; bin < bins; bin++) {
        const count = time.counts[topic]![bin]!;
        if (count === 0) continue;
        const y = top + high * (1 - (base[bin]! + count) / most);
        // A gap between bars, where they are wide enough for one.
        context.fillRect(
          left + bin * step,
          y,
          Math.max(step > 4 ? step - 1 : step + 0.3, 0.5),
          (high * count) / most + 0.3,
        );
        base[bin]! += count;
      }
    }
    context.fillStyle = muted;
    context.textAlign = 'center';
    context.textBaseline = 'top';
    const labels = Math.max(1, Math.min(bins, Math.floor(wide / 74)));
    const stride = Math.ceil(bins / labels);
    for (let bin = 0; bin < bins; bin += stride) {
      const x = left + (bin + 0.5) * step;
      if (x + 30 > width) break;
      context.fillText(label(time.starts[bin]!, time.period), Math.max(x, left + 14), height - bottom + 7);
    }
  });
  let drawn: ReadonlySet<number> | undefined;
  return () => {
    if (drawn === selection.topics) return;
    drawn = selection.topics;
    paint();
  };
}

function label(start: number, period: string): string {
  const date = new Date(start);
  const [year, month, day] = [date.getUTCFullYear(), months[date.getUTCMonth()]!, date.getUTCDate()];
  if (period === 'year' || period === 'decade') return String(year);
  if (period === 'quarter') return `${year} Q${Math.floor(date.getUTCMonth() / 3) + 1}`;
  if (period === 'month') return `${month} ${year}`;
  if (period === 'hour') return `${day} ${month} ${date.getUTCHours()}:00`;
  return `${day} ${month} ${String(year).slice(2)}`;
}

/** About four round values up to the largest. */
function ticks(most: number): number[] {
  const raw = most / 4;
  const power = 10 ** Math.floor(Math.log10(Math.max(raw, 1)));
  const step = Math.max(
    1,
    [1, 2, 5, 10].map((each) => each * power).find((each) => each >= raw)!,
  );
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, index) => index * step);
}
