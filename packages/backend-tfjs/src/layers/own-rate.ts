import { composite, mul, zerosLike, type Tensor } from '@ddcl/core';

/**
 * Prototypes at a rate of their own under any optimiser: the variable w stands for prototypes `unit rate w`, and gets the gradient that prototypes in the
 * unit would get, `unit dP`, and not `unit rate dP`. An optimiser that makes of gradients g the step `-eta u(g)` so moves prototypes by
 * `-rate eta u(g)` units: exactly as if their learning rate were `rate` times that of all other variables. Scaling the gradient alone would do
 * nothing under Adam, which divides by its size. The composite `ddcl.ownRate/1` (w, unit, rate).
 */
export function ownRate(w: Tensor, unit: Tensor, rate: Tensor): Tensor {
  const [prototypes] = composite(
    {
      name: 'ddcl.ownRate/1',
      decomposition: (variable, one, times) => [mul(variable!, mul(one!, times!))],
      gradient: ([, one, times], _outputs, [g]) => [mul(g!, one!), zerosLike(one!), zerosLike(times!)],
    },
    [w, unit, rate],
  );
  return prototypes!;
}
