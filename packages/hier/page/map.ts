import type { Corpus } from './data.ts';
import { byId, drawing, variable } from './dom.ts';
import { createPixels, packed } from './pixels.ts';
import type { Selection } from './selection.ts';

const margin = 18;
const mostZoom = 40;
/** More documents than this are squares, which are drawn faster. */
const mostRound = 2000;

interface Dots {
  add(index: number, size: number, colour: number): void;
  done(): void;
}

/** Documents as points, in the colours of their topics, and the topics' names where their documents lie. */
export function createMap(corpus: Corpus, selection: Selection, name: (topic: number) => string): () => void {
  const canvas = byId<HTMLCanvasElement>('map');
  const { x, y, rows, members } = corpus;
  let view = { zoom: 1, x: 0.5, y: 0.5 };
  const middles = members.map((own) => [median(own, x), median(own, y)] as const);
  const place = (index: number, width: number, height: number): readonly [number, number] =>
    at(x[index]!, y[index]!, width, height);
  const at = (left: number, top: number, width: number, height: number): readonly [number, number] => [
    width / 2 + (left - view.x) * view.zoom * (width - 2 * margin),
    height / 2 + (top - view.y) * view.zoom * (height - 2 * margin),
  ];

  const paint = drawing(canvas, (context, width, height) => {
    const size = Math.max(2, Math.min(7, 260 / Math.sqrt(rows.length))) * Math.min(2, view.zoom ** 0.3);
    const isAll = selection.isAll();
    const colours = [...corpus.colours(), variable('faded')];
    const faded = colours.length - 1;
    const dot: Dots =
      rows.length > mostRound
        ? squares()
        : {
            add(index, wide, colour) {
              const [left, top] = place(index, width, height);
              context.fillStyle = colours[colour]!;
              context.beginPath();
              context.arc(left, top, wide / 2, 0, 2 * Math.PI);
              context.fill();
            },
            done: () => {},
          };
    if (!isAll)
      for (let index = 0; index < rows.length; index++) if (!selection.has(index)) dot.add(index, size, faded);
    // Topic by topic would lay the last one over all others.
    for (let index = 0; index < rows.length; index++)
      if (selection.has(index)) dot.add(index, isAll ? size : size * 1.25, rows[index]![1]);
    dot.done();
    if (selection.opened !== undefined) {
      const [left, top] = place(selection.opened, width, height);
      context.strokeStyle = variable('ink');
      context.lineWidth = 2;
      context.beginPath();
      context.arc(left, top, size + 4, 0, 2 * Math.PI);
      context.stroke();
    }
    writeNames(context, width, height);

    function squares(): Dots {
      const pixels = createPixels(context);
      const numbers = packed(colours);
      const scale = context.canvas.width / width;
      return {
        add(index, wide, colour) {
          const [left, top] = place(index, width, height);
          pixels.square(left * scale, top * scale, Math.round(wide * scale), numbers[colour]!);
        },
        done: pixels.put,
      };
    }
  });

  /** Largest topics first; a name that would lie on another one is left out. */
  function writeNames(context: CanvasRenderingContext2D, width: number, height: number): void {
    context.font = '600 12px system-ui, sans-serif';
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    context.lineJoin = 'round';
    // The buttons stand in the corner.
    const taken: (readonly [number, number, number])[] = [[width - 44, 22, 50]];
    const order = [...members.keys()].sort(
      (a, b) =>
        Number(selection.topics?.has(b) ?? 0) - Number(selection.topics?.has(a) ?? 0) ||
        members[b]!.length - members[a]!.length,
    );
    for (const topic of order) {
      if (members[topic]!.length === 0 || (selection.topics !== undefined && !selection.topics.has(topic))) continue;
      const text = short(name(topic), width < 500 ? 22 : 34);
      const half = context.measureText(text).width / 2 + 4;
      const [middle, centre] = at(middles[topic]![0], middles[topic]![1], width, height);
      // Above the middle, so that a small group is not hidden.
      const top = centre - 11;
      if (top < 0 || top > height || middle < -half || middle > width + half) continue;
      const left = Math.min(Math.max(middle, half + 2), width - half - 2);
      if (taken.some(([a, b, c]) => Math.abs(b - top) < 17 && Math.abs(a - left) < half + c)) continue;
      taken.push([left, top, half]);
      context.strokeStyle = variable('surface');
      context.lineWidth = 4;
      context.strokeText(text, left, top);
      context.fillStyle = variable('ink');
      context.fillText(text, left, top);
    }
  }

  /** The nearest document that is shown, within a finger's width. */
  function nearest(event: MouseEvent): number | undefined {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    let best: number | undefined;
    let least = 16 ** 2;
    for (let index = 0; index < rows.length; index++) {
      if (!selection.has(index)) continue;
      const [a, b] = place(index, width, height);
      const distance = (a - event.clientX + left) ** 2 + (b - event.clientY + top) ** 2;
      if (distance < least) [best, least] = [index, distance];
    }
    return best;
  }

  function zoom(factor: number): void {
    const next = Math.min(mostZoom, Math.max(1, view.zoom * factor));
    view = next === 1 ? { zoom: 1, x: 0.5, y: 0.5 } : { ...view, zoom: next };
    // A finger on the whole map scrolls the page.
    canvas.style.touchAction = next === 1 ? 'pan-y' : 'none';
    paint();
  }
  byId('zoom-in').addEventListener('click', () => zoom(1.6));
  byId('zoom-out').addEventListener('click', () => zoom(1 / 1.6));
  canvas.addEventListener(
    'wheel',
    (event) => {
      if (!event.ctrlKey && view.zoom === 1) return;
      event.preventDefault();
      zoom(Math.exp(-event.deltaY / 300));
    },
    { passive: false },
  );
  let moved = 0;
  canvas.addEventListener('pointerdown', () => (moved = 0));
  canvas.addEventListener('pointermove', (event) => {
    if (event.buttons !== 1 || view.zoom === 1) return;
    moved += Math.abs(event.movementX) + Math.abs(event.movementY);
    const { clientWidth: width, clientHeight: height } = canvas;
    const clamp = (value: number): number => Math.min(1, Math.max(0, value));
    view = {
      ...view,
      x: clamp(view.x - event.movementX / (view.zoom * width)),
      y: clamp(view.y - event.movementY / (view.zoom * height)),
    };
    paint();
  });
  canvas.addEventListener('click', (event) => {
    if (moved > 6) return;
    selection.open(nearest(event));
  });
  return paint;
}

const short = (text: string, most: number): string =>
  text.length > most ? `${text.slice(0, most - 1).trimEnd()}\u2026` : text;

function median(indices: readonly number[], values: Float32Array): number {
  if (indices.length === 0) return 0.5;
  return Float32Array.from(indices, (index) => values[index]!).sort()[indices.length >> 1]!;
}
