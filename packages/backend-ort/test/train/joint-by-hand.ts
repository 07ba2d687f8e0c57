/** Matrices as rows. */
type Matrix = number[][];

const rowsOf = (data: ArrayLike<number>, width: number): Matrix =>
  Array.from({ length: data.length / width }, (_, row) =>
    Array.from({ length: width }, (_unused, axis) => data[row * width + axis]!),
  );
const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, index) => sum + value * b[index]!, 0);
const columns = (a: Matrix): Matrix => a[0]!.map((_, axis) => a.map((row) => row[axis]!));
/** A B. */
const product = (a: Matrix, b: Matrix): Matrix => {
  const across = columns(b);
  return a.map((row) => across.map((column) => dot(row, column)));
};
const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
const squares = (values: readonly number[]): number => dot(values, values);

export interface Rows {
  readonly x: ArrayLike<number>;
  readonly weights: ArrayLike<number>;
  readonly labels: ArrayLike<number>;
}

/** What a step reports. */
export type Reported = Record<
  | 'loss'
  | 'task'
  | 'lq'
  | 'lols'
  | 'v'
  | 'temperature'
  | 'temperatureRatio'
  | 'tokenVariance'
  | 'epsilon'
  | 'gradientNorm',
  number
>;

const names = ['hidden.weight', 'hidden.bias', 'out.weight', 'head.weight', 'prototypes'] as const;
type Parameters = Record<(typeof names)[number], number[]>;
const widths = { 'hidden.weight': 16, 'out.weight': 4, 'head.weight': 3, prototypes: 4 } as const;

/**
 * The training of `joint-example.ts` in float64, in loops over rows, with every gradient written out (docs/math.md section 3): nothing of the
 * library takes part.
 */
export class JointByHand {
  readonly parameters: Parameters;
  readonly #means: Parameters;
  readonly #squares: Parameters;
  readonly #totalSteps: number;
  #direction: number[];
  #average = { value: 0, weight: 0 };
  #step = 0;

  constructor(start: Readonly<Record<string, ArrayLike<number>>>, direction: ArrayLike<number>, totalSteps: number) {
    const copy = (make: (name: string) => number[]): Parameters =>
      Object.fromEntries(names.map((name) => [name, make(name)])) as Parameters;
    this.parameters = copy((name) => Array.from(start[name]!));
    this.#means = copy((name) => Array.from(start[name]!, () => 0));
    this.#squares = copy((name) => Array.from(start[name]!, () => 0));
    this.#direction = Array.from(direction);
    this.#totalSteps = totalSteps;
  }

  step({ x, weights, labels }: Rows): Reported {
    const progress = this.#step++ / (this.#totalSteps - 1);
    const matrix = (name: keyof typeof widths): Matrix => rowsOf(this.parameters[name], widths[name]);
    const [first, second, head, prototypes] = [
      matrix('hidden.weight'),
      matrix('out.weight'),
      matrix('head.weight'),
      matrix('prototypes'),
    ];
    const input = rowsOf(x, 8);
    const hidden = product(input, first).map((row) =>
      row.map((value, axis) => value + this.parameters['hidden.bias'][axis]!),
    );
    const active = hidden.map((row) => row.map((value) => (value > 0 ? value : 0)));
    const z = product(active, second);
    const { temperature, ratio, variance } = this.#temperature(z, 0.5 * (0.05 / 0.5) ** progress);

    let [task, lq, lols, v] = [0, 0, 0, 0];
    const forHead = head.map((row) => row.map(() => 0));
    const forPrototypes = prototypes.map((row) => row.map(() => 0));
    const forTokens = z.map((row) => row.map(() => 0));
    z.forEach((token, n) => {
      const distances = prototypes.map((p) => squares(p.map((value, axis) => value - token[axis]!)));
      const nearest = Math.min(...distances);
      const powers = distances.map((distance) => Math.exp((nearest - distance) / temperature));
      const q = powers.map((power) => power / total(powers));
      const y = token.map((_, axis) => total(prototypes.map((p, k) => q[k]! * p[axis]!)));
      const error = dot(q, distances);
      lq += weights[n]! * error;
      lols += weights[n]! * squares(y.map((value, axis) => value - token[axis]!));
      v += weights[n]! * total(prototypes.map((p, k) => q[k]! * squares(p.map((value, axis) => value - y[axis]!))));
      const logits = columns(head).map((column) => dot(y, column));
      const most = Math.max(...logits);
      const exponentials = logits.map((logit) => Math.exp(logit - most));
      task += Math.log(total(exponentials)) + most - logits[labels[n]!]!;
      const forLogits = exponentials.map((value, c) => value / total(exponentials) - (c === labels[n]! ? 1 : 0));
      const g = head.map((row) => dot(row, forLogits));
      head.forEach((row, axis) => row.forEach((_, c) => (forHead[axis]![c]! += y[axis]! * forLogits[c]!)));
      prototypes.forEach((p, k) => {
        const e = (-q[k]! / temperature) * (dot(g, p) - dot(g, y));
        const w = weights[n]! * q[k]! * (1 - (distances[k]! - error) / temperature);
        p.forEach((value, axis) => {
          forTokens[n]![axis]! -= 2 * e * value;
          forPrototypes[k]![axis]! += q[k]! * g[axis]! + 2 * (e + w) * (value - token[axis]!);
        });
      });
    });
    const forActive = product(forTokens, columns(second));
    const forHidden = forActive.map((row, n) => row.map((value, axis) => (hidden[n]![axis]! > 0 ? value : 0)));
    const weight = total(Array.from(weights));
    const gradients: Parameters = {
      'hidden.weight': product(columns(input), forHidden).flat(),
      'hidden.bias': columns(forHidden).map(total),
      'out.weight': product(columns(active), forTokens).flat(),
      'head.weight': forHead.flat(),
      prototypes: forPrototypes.flat(),
    };
    for (const name of names) gradients[name] = gradients[name].map((value) => value / weight);
    const norm = Math.sqrt(total(names.map((name) => squares(gradients[name]))));
    const moved = this.#adam(gradients, 0.002);
    return {
      loss: (task + lq) / weight,
      task: task / weight,
      lq: lq / weight,
      lols: lols / weight,
      v: v / weight,
      temperature,
      temperatureRatio: ratio,
      tokenVariance: variance,
      epsilon: moved,
      gradientNorm: norm,
    };
  }

  /** Two power steps on the covariance, an exponential mean of 0.95 with bias correction. */
  #temperature(z: Matrix, share: number): { temperature: number; ratio: number; variance: number } {
    const mean = columns(z).map((column) => total(column) / z.length);
    const centred = z.map((row) => row.map((value, axis) => value - mean[axis]!));
    let largest = 0;
    for (let iteration = 0; iteration < 2; iteration++) {
      const along = centred.map((row) => dot(row, this.#direction));
      const image = columns(centred).map((column) => dot(column, along) / z.length);
      largest = Math.sqrt(squares(image));
      this.#direction = image.map((value) => value / largest);
    }
    this.#average = { value: 0.95 * this.#average.value + 0.05 * largest, weight: 0.95 * this.#average.weight + 0.05 };
    const temperature = (share * 4 * this.#average.value) / this.#average.weight;
    return { temperature, ratio: temperature / (4 * largest), variance: total(centred.map(squares)) / z.length };
  }

  /** AdamW for all but the bias and the prototypes, which do not decay; returns how far the others moved beside the prototypes. */
  #adam(gradients: Parameters, rate: number): number {
    const moved = { prototypes: 0, others: 0 };
    const lengths = { prototypes: 0, others: 0 };
    for (const name of names) {
      const own = name === 'prototypes' ? 0.1 : rate;
      const decay = name === 'prototypes' || name.endsWith('.bias') ? 0 : 0.01;
      const kind = name === 'prototypes' ? 'prototypes' : 'others';
      this.parameters[name] = this.parameters[name].map((value, index) => {
        const g = gradients[name][index]!;
        const mean = (this.#means[name][index] = 0.9 * this.#means[name][index]! + 0.1 * g);
        const square = (this.#squares[name][index] = 0.999 * this.#squares[name][index]! + 0.001 * g * g);
        const direction = mean / (1 - 0.9 ** this.#step) / (Math.sqrt(square / (1 - 0.999 ** this.#step)) + 1e-8);
        const next = value - own * (direction + decay * value);
        moved[kind] += (next - value) ** 2;
        lengths[kind] += value ** 2;
        return next;
      });
    }
    return Math.sqrt(moved.others / lengths.others) / Math.sqrt(moved.prototypes / lengths.prototypes);
  }
}
