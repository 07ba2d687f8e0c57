/** Ends of the axes of a plot. */
export interface PlotWindow {
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
}

/**
 * A window of `width` x `height` pixels around points (row-major, n x 2) with the same scale on both axes, since
 * unequal scales would falsify which prototype is nearest. A few far outliers would squeeze the rest into a corner:
 * where the middle 99.6 % spans less than half of the whole, the window shows that part, and always all of `inside`.
 */
export function plotWindow(points: Float64Array, inside: Float64Array, width: number, height: number): PlotWindow {
  const spans = [0, 1].map((axis) => {
    const values = coordinate(points, axis).filter(Number.isFinite).sort();
    const anchors = coordinate(inside, axis).filter(Number.isFinite);
    const at = (share: number): number => values[Math.round(share * (values.length - 1))] ?? 0;
    const whole = at(1) - at(0);
    const crowd = at(0.998) - at(0.002);
    const [low, high] = crowd < whole / 2 && crowd > 0 ? [at(0.002), at(0.998)] : [at(0), at(1)];
    return [Math.min(low, ...anchors), Math.max(high, ...anchors)] as const;
  }) as [readonly [number, number], readonly [number, number]];

  const border = 1.12;
  const unit = Math.max((spans[0][1] - spans[0][0]) / width, (spans[1][1] - spans[1][0]) / height) * border;
  const around = ([low, high]: readonly [number, number], pixels: number): [number, number] => {
    const half = ((unit || 2 / pixels) * pixels) / 2;
    return [(low + high) / 2 - half, (low + high) / 2 + half];
  };
  return { x: around(spans[0], width), y: around(spans[1], height) };
}

/** Whether the window shows a point. */
export function isInside(x: number, y: number, { x: [left, right], y: [low, high] }: PlotWindow): boolean {
  return x >= left && x <= right && y >= low && y <= high;
}

function coordinate(points: Float64Array, axis: number): Float64Array {
  return Float64Array.from({ length: points.length / 2 }, (_, index) => points[2 * index + axis] as number);
}
