import type { TfTensor } from '../tfjs.ts';
import type { TfjsLayers } from './tf-layers.ts';

/**
 * Losses that a layer's calls leave for the model, which asks for them once it has called all layers. They belong to the gradients that tfjs takes at that moment: what
 * an earlier, broken step left is dropped.
 */
export class ExtraLoss {
  readonly #tf: TfjsLayers;
  #left: TfTensor[] = [];
  #tape: unknown;

  constructor(tf: TfjsLayers) {
    this.#tf = tf;
  }

  /** Kept, since the model inside another one ends its tensors before the outer asks. */
  leave(loss: TfTensor): void {
    const tape: unknown = this.#tf.engine().state.activeTape;
    if (tape !== this.#tape) this.dispose();
    this.#tape = tape;
    // Without gradients nobody asks.
    if (tape !== undefined && tape !== null) this.#left.push(this.#tf.keep(loss));
  }

  take(): TfTensor[] {
    const taken = this.#left.map((loss) => this.#tf.clone(loss));
    this.dispose();
    return taken;
  }

  dispose(): void {
    this.#left.forEach((loss) => loss.dispose());
    this.#left = [];
  }
}
