import { writeLoader } from '../../kernels/product/matmul.ts';
import type { KernelModule } from '../../wgsl/module.ts';
import type { Scope } from '../../wgsl/scope.ts';
import type { Stored } from '../../wgsl/value.ts';
import { withRows } from './rows.ts';

/**
 * What the derivative by the distances is made of (docs/math.md section 3): `D = q (u (1 + x - s) - f + sum_k q f)` with `f = F.p / T`. What is
 * 0 is undefined.
 */
export interface Derivative {
  /** u, the cotangent of the token's error, [n]. */
  readonly direct: Stored | undefined;
  /** `F / T`, F that of the outputs, [n, m]. */
  readonly flow: Stored | undefined;
  /** `(sum_k D (x - s), sum_k q f)` of each token, [n, 2], which {@link rowSlopesKernel} writes; needed where there is a flow. */
  readonly sides: Stored | undefined;
}

/** The WGSL of a derivative, for kernels that have a token and a prototype in registers. */
export class DerivativeText {
  readonly #direct: string | undefined;
  readonly #sides: string | undefined;
  readonly #loadFlow: string | undefined;

  constructor(module: KernelModule, { direct, flow, sides }: Derivative, tokenCount: string) {
    this.#direct = direct && module.read(direct.buffer, 'f32');
    this.#sides = sides && module.read(sides.buffer, 'vec2f');
    this.#loadFlow =
      flow && writeLoader(module, 'load_f', { value: withRows(flow, tokenCount), transposed: false }, []);
  }

  /** Reads what belongs to token `r` into `flow0`, `flow1`, ... and `direct`. A token past the end has zeros, or those of the last one. */
  read(scope: Scope, r: string, vectors: readonly number[]): void {
    if (this.#loadFlow !== undefined)
      for (const i of vectors) scope.line(`let flow${i} = ${this.#loadFlow}(0u, ${r}, ${4 * i}u);`);
    if (this.#direct !== undefined) scope.line(`let direct = ${this.#direct}[${r}];`);
  }

  /** `sum_k q f` of token `r`, if there is a flow. */
  mean(r: string): string | undefined {
    return this.#sides && `${this.#sides}[${r}].y`;
  }

  /** `f` of a prototype, if there is a flow. */
  along(prototype: readonly string[]): string | undefined {
    return this.#loadFlow && prototype.map((p, i) => `dot(flow${i}, ${p})`).join(' + ');
  }

  /** `u (1 + x - s)` and `-f`, what of them there is; `centred` is `x - s`. */
  terms(centred: string, prototype: readonly string[]): string[] {
    const along = this.along(prototype);
    const terms = [
      ...(this.#direct === undefined ? [] : [`direct * (1.0 + ${centred})`]),
      ...(along === undefined ? [] : [`-(${along})`]),
    ];
    return terms.length > 0 ? terms : ['0.0'];
  }
}
