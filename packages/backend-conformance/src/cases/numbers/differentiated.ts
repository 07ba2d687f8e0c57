import { valueAndGrad } from '@ddcl/core';
import type { Program } from '@ddcl/core/backend';

/** A scalar program with the gradient of all its float parameters. */
export function differentiated(program: Program): Program {
  const wrt = program.parameters.flatMap(({ dtype }, index) => (dtype === 'int32' ? [] : [index]));
  return valueAndGrad(program, { wrt });
}
