import { Arithmetic } from '../compile/arithmetic.ts';
import type { CompositeMaker } from '../compile/compile-program.ts';
import { reduce, segmentSum } from '../compile/kernel-ops.ts';
import type { PlanBuilder } from '../plan/plan-builder.ts';
import type { Value } from '../wgsl/value.ts';
import { tokenPass, type PullOfTokens, type TokenPass } from './token-pass.ts';

/** `L_q`, `L_OLS` and `V`, each by its own formula: docs/math.md section 2. */
function losses(plan: PlanBuilder, pass: TokenPass, weights: Value): (() => Value)[] {
  const arithmetic = new Arithmetic(plan);
  const column = arithmetic.reshape(weights, [pass.n, { value: 1, text: '1u' }]);
  const total = (input: Value): Value => reduce(plan, { op: 'sum', input, axes: [0, 1] }, []);
  return [
    () => pass.total(weights, pass.errors),
    () => total(arithmetic.mul(column, arithmetic.square(arithmetic.sub(pass.tokens, pass.outputs)))),
    () => {
      // sum_k q |p|^2 - |y|^2, token by token, so that large lengths meet early.
      const first = reduce(plan, { op: 'sum', input: arithmetic.mul(pass.shares, pass.lengths), axes: [1] }, [pass.n]);
      const second = reduce(plan, { op: 'sum', input: arithmetic.square(pass.outputs), axes: [1] }, [pass.n]);
      const spread = arithmetic.of('maximum', arithmetic.sub(first, second), arithmetic.number(0));
      return pass.total(weights, spread);
    },
  ];
}

const assign: CompositeMaker = (plan, [tokens, prototypes, temperature]) => [
  () => tokenPass(plan, tokens!, prototypes!, temperature!).shares,
];

const forward: CompositeMaker = (plan, [tokens, prototypes, temperature]) => [
  () => tokenPass(plan, tokens!, prototypes!, temperature!).outputs,
];

const loss: CompositeMaker = (plan, [tokens, weights, prototypes, temperature]) =>
  losses(plan, tokenPass(plan, tokens!, prototypes!, temperature!), weights!);

const lossAndGradient: CompositeMaker = (plan, [tokens, weights, prototypes, temperature], isNeeded) => {
  const pass = tokenPass(plan, tokens!, prototypes!, temperature!);
  if (isNeeded(0) && isNeeded(1)) {
    const [error, { gradient, mass }] = pass.errorAndGradient(weights!);
    return [() => error, () => gradient, () => mass];
  }
  // Whoever asks for one of the two gets both: the mass is a by-product of the gradient's product.
  let made: PullOfTokens | undefined;
  const pull = (): PullOfTokens => (made ??= pass.gradient(weights!));
  return [() => pass.total(weights!, pass.errors), () => pull().gradient, () => pull().mass];
};

const tokenSums: CompositeMaker = (plan, [tokens, weights, prototypes, temperature]) => {
  const pass = tokenPass(plan, tokens!, prototypes!, temperature!);
  const arithmetic = new Arithmetic(plan);
  const column = arithmetic.reshape(weights!, [pass.n, { value: 1, text: '1u' }]);
  return [
    ...losses(plan, pass, weights!),
    () => pass.total(weights!, pass.hardErrors),
    () => pass.total(weights!, pass.entropies),
    () => reduce(plan, { op: 'sum', input: arithmetic.mul(column, pass.shares), axes: [0] }, [pass.k]),
    () => segmentSum(plan, [weights!, pass.winners], { segments: pass.k.value, sorted: false }, [pass.k]),
  ];
};

/** Composites with kernels of their own; see {@link TokenPass}. The others run decomposed, with these inside them. */
export const fusedComposites: Readonly<Record<string, CompositeMaker>> = {
  'ddcl.assign/1': assign,
  'ddcl.forward/1': forward,
  'ddcl.loss/1': loss,
  'ddcl.lossAndGradient/2': lossAndGradient,
  'ddcl.tokenSums/1': tokenSums,
};
