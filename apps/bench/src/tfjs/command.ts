import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
// Registers the gradients of tfjs's ops; its own entry for them is none that Node can import.
import '@tensorflow/tfjs-layers';
import { Command, Option } from 'commander';
import { wholeNumber } from '../command-line.ts';
import { machine, versionOf } from '../machine.ts';
import { measureTfjs, tfjsTables } from './measure.ts';

interface TfjsOptions {
  readonly backend: 'wasm' | 'cpu';
  readonly rounds: number;
  readonly tokens: number;
  readonly dimension: number;
  readonly prototypes: number;
}

/** ddcl on tfjs beside the same by hand in tfjs ops. tooling/tfjs-node.mjs measures the same on tfjs-node. */
export function tfjsCommand(): Command {
  return new Command('tfjs')
    .description('ddcl on TensorFlow.js beside the same mathematics written in its ops, on the same backend, in turns')
    .addOption(new Option('--backend <name>', "tfjs's own").choices(['wasm', 'cpu']).default('wasm'))
    .option('--rounds <N>', 'rounds; each contestant runs once in each', wholeNumber, 15)
    .option('--tokens <N>', 'tokens of a step', wholeNumber, 8192)
    .option('--dimension <m>', 'numbers of a token', wholeNumber, 384)
    .option('--prototypes <K>', 'prototypes', wholeNumber, 64)
    .action(async ({ backend, rounds, ...shape }: TfjsOptions) => {
      await tf.setBackend(backend);
      const times = await measureTfjs(tf, shape, rounds);
      const { tokens, dimension, prototypes } = shape;
      process.stdout.write(
        `tfjs ${versionOf('@tensorflow/tfjs-core')} ${backend}, N = ${tokens}, m = ${dimension}, K = ${prototypes}; medians of ${rounds} rounds. ${machine()}\n\n${tfjsTables(times)}\n`,
      );
    });
}
