/** Total variance of the tokens, as a share of the first, below which they count as collapsing. */
const collapsedShare = 0.1;

/** Tells once when the tokens or the temperature leave what docs/math.md section 5 allows, and again after they came back. */
export class CollapseWatch {
  readonly #warn: (warning: string) => void;
  readonly #told = new Set<string>();

  constructor(warn: (warning: string) => void) {
    this.#warn = warn;
  }

  /** @param report of the step, with what a tracked temperature adds to it */
  look(report: Readonly<Record<string, number>>, step: number): void {
    const { temperature, criticalTemperature, temperatureRatio, tokenVariance, firstTokenVariance } = report;
    const short = (value: number | undefined): string => String(Number(value!.toPrecision(3)));
    this.#tell(
      'temperature',
      !(temperatureRatio! < 1),
      () =>
        `Step ${step}: T = ${short(temperature)} is at or above the critical temperature of the batch's tokens (T / T_c = ${short(temperatureRatio)}, tracked T_c = ${short(criticalTemperature)}): prototypes fall together there (docs/math.md section 5). Lower the temperature, or let trackTemperature keep it at a share of T_c.`,
    );
    this.#tell(
      'variance',
      tokenVariance! < collapsedShare * firstTokenVariance!,
      () =>
        `Step ${step}: the tokens' total variance fell to ${short(tokenVariance)}, from ${short(firstTokenVariance)} at the start: the encoder is making all tokens equal (docs/math.md section 5). Stop the gradient of the quantization loss at the encoder with detach(tokens), or lower its weight or the encoder's rate.`,
    );
  }

  #tell(what: string, isWrong: boolean, text: () => string): void {
    if (!isWrong) this.#told.delete(what);
    else if (!this.#told.has(what)) {
      this.#told.add(what);
      this.#warn(text());
    }
  }
}
