import type * as core from '@tensorflow/tfjs-core';

/** What of TensorFlow.js this package calls: any of its packages has it, imported whole (`import * as tf from '@tensorflow/tfjs'`). */
export type Tfjs = Pick<
  typeof core,
  | 'Tensor'
  | 'add'
  | 'argMax'
  | 'backend'
  | 'broadcastTo'
  | 'cast'
  | 'clone'
  | 'concat'
  | 'customGrad'
  | 'div'
  | 'engine'
  | 'env'
  | 'equal'
  | 'exp'
  | 'floorDiv'
  | 'gather'
  | 'getBackend'
  | 'keep'
  | 'less'
  | 'log'
  | 'matMul'
  | 'max'
  | 'maximum'
  | 'minimum'
  | 'mul'
  | 'neg'
  | 'notEqual'
  | 'ready'
  | 'reshape'
  | 'scalar'
  | 'scatterND'
  | 'slice'
  | 'sqrt'
  | 'sub'
  | 'sum'
  | 'tanh'
  | 'tensor'
  | 'tidy'
  | 'transpose'
  | 'where'
>;

/** A tensor of it. */
export type TfTensor = core.Tensor;
