import type { ConcreteType, Program } from '@ddcl/core';

/** A weight of a layer: one that gradients move, prototypes at a rate of their own, or numbers that the layer carries on by itself. */
export interface PartWeight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly role: 'prototypes' | 'trained' | 'carried';
  readonly data: Float32Array;
}

/** Numbers that a step takes beside tokens and the layer's weights. */
export interface StepInput {
  readonly type: ConcreteType;
  readonly data: Float32Array;
}

/** What a layer computes, as programs for tokens of one shape [..., m]. Each takes the tokens, their weights [...] and the layer's weights in order. */
export interface LayerPart {
  readonly weights: readonly PartWeight[];
  /** K of each codebook, and how many there are. */
  readonly count: number;
  readonly books: number;
  /** How many results are outputs. */
  readonly outputs: number;
  /**
   * With the inputs of a step: the outputs, what is added to the loss [], and what each carried weight becomes; where it is watched also the reports [R], and the
   * share of the tokens' weight that each prototype is nearest to [books, K].
   */
  train(shape: readonly number[], isWatched: boolean): Program;
  /** The outputs. */
  apply(shape: readonly number[]): Program;
  /** Where prototypes have to see tokens before they start: with normal numbers [K, m], what all weights become. */
  start?(shape: readonly number[]): Program;
  /** Comes with `start`: the weight, and the place in it, that is 0 until prototypes have seen tokens. */
  readonly seen?: readonly [name: string, place: number];
  /** Of step `step`, from 0, of `tokens` tokens. */
  inputs(step: number, tokens: number): readonly StepInput[];
}
