import type { CompositeInstruction, Program, ValueId } from '@ddcl/core/backend';

/** What can be asked of one pass over the tokens. */
export type TokenQuantity =
  | 'assignments'
  | 'outputs'
  | 'lq'
  | 'lols'
  | 'v'
  | 'gradient'
  | 'hard'
  | 'entropy'
  | 'mass'
  | 'wins';

/** The quantities that each composite returns, in the order of its outputs. */
const quantitiesOf: Readonly<Record<string, readonly TokenQuantity[]>> = {
  'ddcl.assign/1': ['assignments'],
  'ddcl.forward/1': ['outputs'],
  'ddcl.loss/1': ['lq', 'lols', 'v'],
  'ddcl.lossAndGradient/1': ['lq', 'gradient'],
  'ddcl.tokenSums/1': ['lq', 'lols', 'v', 'hard', 'entropy', 'mass', 'wins'],
};

/** Names (with version) of the composites that the token loop computes. */
export const tokenLoopComposites: readonly string[] = Object.keys(quantitiesOf);

/** One pass over the tokens that serves every composite with the same tokens, prototypes, temperature and weights. */
export interface TokenLoop {
  readonly tokens: ValueId;
  readonly prototypes: ValueId;
  readonly temperature: ValueId;
  /** Undefined while no composite needs them. */
  weights: ValueId | undefined;
  readonly quantities: Set<TokenQuantity>;
}

/** For each instruction that belongs to a loop: the loop, and what its outputs are. */
export interface LoopMember {
  readonly loop: TokenLoop;
  readonly quantities: readonly TokenQuantity[];
}

/**
 * Joins composites into loops, so that for instance `forward` and `loss` of the same tokens share logits, softmax and outputs.
 * A loop runs where its first member stands, so a later one joins only if its weights were known there.
 *
 * @param needed values that results depend on; a loop computes no others
 */
export function planTokenLoops(
  program: Program,
  needed: ReadonlySet<ValueId>,
): ReadonlyMap<CompositeInstruction, LoopMember> {
  const members = new Map<CompositeInstruction, LoopMember>();
  const open = new Map<string, { loop: TokenLoop; known: ValueId }[]>();
  let known = program.parameters.length;
  for (const instruction of program.instructions) {
    const quantities = instruction.op === 'composite' ? quantitiesOf[instruction.name] : undefined;
    const wanted = quantities?.filter((_, output) => needed.has(known + output)) ?? [];
    if (instruction.op === 'composite' && quantities !== undefined && wanted.length > 0) {
      const weighted = instruction.inputs.length === 4;
      const [tokens, weights, prototypes, temperature] = (
        weighted ? instruction.inputs : [instruction.inputs[0], undefined, ...instruction.inputs.slice(1)]
      ) as [ValueId, ValueId | undefined, ValueId, ValueId];
      const key = `${tokens} ${prototypes} ${temperature}`;
      const candidates = open.get(key) ?? [];
      let found = candidates.find(
        ({ loop, known: before }) =>
          weights === undefined || loop.weights === weights || (loop.weights === undefined && weights < before),
      );
      if (found === undefined) {
        found = { loop: { tokens, prototypes, temperature, weights, quantities: new Set() }, known };
        open.set(key, [...candidates, found]);
      }
      found.loop.weights ??= weights;
      for (const quantity of wanted) found.loop.quantities.add(quantity);
      members.set(instruction, { loop: found.loop, quantities });
    }
    known += instruction.outputs.length;
  }
  return members;
}
