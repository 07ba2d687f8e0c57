/** One row of numbers per document. */
export interface FeatureMatrix {
  /** [documents, width], row-major. */
  readonly data: Float32Array;
  readonly documents: number;
  readonly width: number;
}

/** Matrices side by side. */
export function joinFeatures(...parts: readonly FeatureMatrix[]): FeatureMatrix {
  const { documents } = parts[0]!;
  const width = parts.reduce((sum, part) => sum + part.width, 0);
  const data = new Float32Array(documents * width);
  let left = 0;
  for (const part of parts) {
    for (let row = 0; row < documents; row++)
      data.set(part.data.subarray(row * part.width, (row + 1) * part.width), row * width + left);
    left += part.width;
  }
  return { data, documents, width };
}

/** Mean and deviation of each column. */
export interface Scaling {
  readonly mean: Float64Array;
  /** Standard deviation; 1 for a column that hardly varies. */
  readonly deviation: Float64Array;
}

/** Of the rows that are named. */
export function measureScaling({ data, width }: FeatureMatrix, rows: ArrayLike<number>): Scaling {
  const mean = new Float64Array(width);
  const squares = new Float64Array(width);
  for (let index = 0; index < rows.length; index++) {
    const start = rows[index]! * width;
    for (let column = 0; column < width; column++) mean[column]! += data[start + column]!;
  }
  for (let column = 0; column < width; column++) mean[column]! /= rows.length;
  for (let index = 0; index < rows.length; index++) {
    const start = rows[index]! * width;
    for (let column = 0; column < width; column++) squares[column]! += (data[start + column]! - mean[column]!) ** 2;
  }
  const deviation = squares.map((square) => Math.sqrt(square / rows.length));
  const largest = deviation.reduce((most, value) => Math.max(most, value), 0);
  // A column of rounding errors would become noise as large as any signal.
  return { mean, deviation: deviation.map((value) => (value > 1e-6 * largest ? value : 1)) };
}

/** Every column less its mean, divided by its deviation; a copy. */
export function applyScaling({ data, documents, width }: FeatureMatrix, { mean, deviation }: Scaling): FeatureMatrix {
  const scaled = new Float32Array(data.length);
  for (let start = 0; start < data.length; start += width) {
    for (let column = 0; column < width; column++)
      scaled[start + column] = (data[start + column]! - mean[column]!) / deviation[column]!;
  }
  return { data: scaled, documents, width };
}
