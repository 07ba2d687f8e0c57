import type { CompositeAttributes, Instruction } from '../program/program.ts';

/**
 * The composite into which {@link joinTokenPasses} puts all that is asked of the same tokens, prototypes and temperature. A backend with a
 * kernel of this name has one for every composite of {@link tokenPassComposites}: read what is asked for with {@link readTokenPass}.
 */
export const tokenPassName = 'ddcl.tokenPass/1';

/**
 * What can be asked of one pass over the tokens. A row per token: `assignments` q [n, K], `outputs` y [n, m], `nearest` int32 [n, 1],
 * `nearestDistance` [n, 1]. Sums over tokens: `lq`, `lols`, `v`, `hard`, `entropy` [], `mass`, `wins` [K], `gradient` of L_q by
 * prototypes [K, m] and `gradientMass`, its `sum_n a_n w_nk` [K]. Gradients for the cotangents that come as operands: of L_q, L_OLS and V by each operand of the loss
 * (`lossBy...`), and of y by each of its own (`outputsBy...`), of the operands' shapes.
 */
export type TokenQuantity =
  | 'assignments'
  | 'outputs'
  | 'nearest'
  | 'nearestDistance'
  | 'lq'
  | 'lols'
  | 'v'
  | 'gradient'
  | 'gradientMass'
  | 'hard'
  | 'entropy'
  | 'mass'
  | 'wins'
  | 'lossByTokens'
  | 'lossByWeights'
  | 'lossByPrototypes'
  | 'lossByTemperature'
  | 'outputsByTokens'
  | 'outputsByPrototypes'
  | 'outputsByTemperature';

/** What a pass takes. Those after `temperature` only where a quantity needs them; a cotangent that is not there is 0. */
export interface TokenPassOperands<Value> {
  /** [n, m]. */
  readonly tokens: Value;
  /** [K, m]. */
  readonly prototypes: Value;
  /** []. */
  readonly temperature: Value;
  /** [n]. */
  readonly weights?: Value;
  /** Cotangents of L_q, L_OLS and V, []. */
  readonly onLq?: Value;
  readonly onLols?: Value;
  readonly onV?: Value;
  /** Cotangent of y, [n, m]. */
  readonly onOutputs?: Value;
}

export type TokenOperand = keyof TokenPassOperands<unknown>;

interface Member {
  /** In the order of the composite's inputs. */
  readonly operands: readonly TokenOperand[];
  /** In the order of its outputs. */
  readonly quantities: readonly TokenQuantity[];
}

const weighted = ['tokens', 'weights', 'prototypes', 'temperature'] as const;
const unweighted = ['tokens', 'prototypes', 'temperature'] as const;

/** The composites that a pass computes, by versioned name. */
const members: Readonly<Record<string, Member>> = {
  'ddcl.assign/1': { operands: unweighted, quantities: ['assignments'] },
  'ddcl.forward/1': { operands: unweighted, quantities: ['outputs'] },
  'ddcl.forwardGradient/1': {
    operands: [...unweighted, 'onOutputs'],
    quantities: ['outputsByTokens', 'outputsByPrototypes', 'outputsByTemperature'],
  },
  'ddcl.loss/1': { operands: weighted, quantities: ['lq', 'lols', 'v'] },
  'ddcl.lossGradient/1': {
    operands: [...weighted, 'onLq', 'onLols', 'onV'],
    quantities: ['lossByTokens', 'lossByWeights', 'lossByPrototypes', 'lossByTemperature'],
  },
  'ddcl.lossAndGradient/2': { operands: weighted, quantities: ['lq', 'gradient', 'gradientMass'] },
  'ddcl.tokenSums/1': { operands: weighted, quantities: ['lq', 'lols', 'v', 'hard', 'entropy', 'mass', 'wins'] },
};

/** Names (with version) of the composites that a token pass computes. */
export const tokenPassComposites: readonly string[] = Object.keys(members);

/** The one nearest prototype comes with a pass that there is anyway. */
const nearest: Member = { operands: ['tokens', 'prototypes'], quantities: ['nearest', 'nearestDistance'] };

/** What an instruction is to a pass; undefined for one that cannot be part of it. */
export function tokenPassMember(instruction: Instruction): Member | undefined {
  if (instruction.op !== 'composite') return undefined;
  const isNearest = instruction.name === 'ddcl.nearest/1' && instruction.attributes['k'] === 1;
  return isNearest ? nearest : members[instruction.name];
}

export interface TokenPassCall<Value> {
  readonly operands: TokenPassOperands<Value>;
  /** In the order of the outputs; nothing that is not needed is among them. */
  readonly quantities: readonly TokenQuantity[];
}

/** The attributes of a pass. */
export function tokenPassAttributes(
  operands: readonly TokenOperand[],
  quantities: readonly TokenQuantity[],
): CompositeAttributes {
  return { operands: operands.join(' '), quantities: quantities.join(' ') };
}

/** Attributes that were read before: kernels ask at every call. */
const parsed = new WeakMap<
  CompositeAttributes,
  { names: readonly TokenOperand[]; quantities: readonly TokenQuantity[] }
>();

/** What a `ddcl.tokenPass/1` asks for, and its inputs (natives, names, types: whatever stands for them) by what they are. */
export function readTokenPass<Value>(attributes: CompositeAttributes, inputs: readonly Value[]): TokenPassCall<Value> {
  let read = parsed.get(attributes);
  if (read === undefined) {
    const words = (name: string): string[] => String(attributes[name]).split(' ');
    read = { names: words('operands') as TokenOperand[], quantities: words('quantities') as TokenQuantity[] };
    parsed.set(attributes, read);
  }
  const operands: Partial<Record<TokenOperand, Value>> = {};
  for (let index = 0; index < read.names.length; index++) operands[read.names[index]!] = inputs[index]!;
  return { operands: operands as TokenPassOperands<Value>, quantities: read.quantities };
}
