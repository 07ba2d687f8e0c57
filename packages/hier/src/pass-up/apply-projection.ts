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
  return (row, target) => {
    for (let component = 0; component < components; component++) target[component] = -shift[component]!;
    for (let index = 0; index < numbers;) {
      const [a, b, c, d] = [row[index]!, row[index + 1] ?? 0, row[index + 2] ?? 0, row[index + 3] ?? 0];
      if (a === 0 && b === 0 && c === 0 && d === 0) {
        index += 4;
        continue;
      }
      if (index + 4 <= numbers) {
        let [one, two, three, four] = [index, index + 1, index + 2, index + 3].map((place) => place * components) as [
          number,
          number,
          number,
          number,
        ];
        for (let component = 0; component < components; component++)
          target[component]! +=
            a * columns[one++]! + b * columns[two++]! + c * columns[three++]! + d * columns[four++]!;
        index += 4;
      } else {
        for (let component = 0; component < components; component++)
          target[component]! += a * columns[index * components + component]!;
        index += 1;
      }
    }
  };
}
