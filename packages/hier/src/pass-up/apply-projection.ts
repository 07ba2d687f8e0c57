import type { Projection } from '../level/fitted-level.ts';

/** A projection that is ready for rows. */
export type Project = (row: Float64Array, target: Float64Array) => void;

/** `axes (row - mean)`, in float64. Runs of zeros cost next to nothing: a short document has residuals at few prototypes. */
export function projector({ mean, axes }: Projection): Project {
  const numbers = mean.length;
  const components = axes.length / numbers;
  // Numbers one after the other, so that a row is read once: [numbers, components].
  const columns = new Float64Array(axes.length);
  const shift = new Float64Array(components);
  for (let component = 0; component < components; component++) {
    for (let index = 0; index < numbers; index++) {
      const value = axes[component * numbers + index]!;
      columns[index * components + component] = value;
      shift[component]! += value * mean[index]!;
    }
  }
  // Eight numbers at a time: each component is loaded and stored once for them.
  const [c2, c3, c4, c5, c6, c7] = [2, 3, 4, 5, 6, 7].map((rows) => rows * components) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const whole = numbers - (numbers % 8);
  return (row, target) => {
    for (let component = 0; component < components; component++) target[component] = -shift[component]!;
    for (let index = 0; index < whole; index += 8) {
      const [a, b, c, d] = [row[index]!, row[index + 1]!, row[index + 2]!, row[index + 3]!];
      const [e, f, g, h] = [row[index + 4]!, row[index + 5]!, row[index + 6]!, row[index + 7]!];
      if (a === 0 && b === 0 && c === 0 && d === 0 && e === 0 && f === 0 && g === 0 && h === 0) continue;
      let place = index * components;
      for (let component = 0; component < components; component++, place++)
        target[component]! +=
          a * columns[place]! +
          b * columns[place + components]! +
          c * columns[place + c2]! +
          d * columns[place + c3]! +
          e * columns[place + c4]! +
          f * columns[place + c5]! +
          g * columns[place + c6]! +
          h * columns[place + c7]!;
    }
    for (let index = whole; index < numbers; index++)
      for (let component = 0; component < components; component++)
        target[component]! += row[index]! * columns[index * components + component]!;
  };
}
