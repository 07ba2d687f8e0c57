import { DdclError } from '../errors/ddcl-error.ts';
import { composite } from '../program/composite.ts';
import { add, div, mul, sqrt, sub } from '../program/ops/elementwise.ts';
import { sum } from '../program/ops/reduce.ts';
import { formatType, sameShape } from '../program/tensor-type.ts';
import type { Tensor } from '../program/trace.ts';
import { unbroadcast } from '../differentiate/rules/rule.ts';

/**
 * Layer normalization over the last axis: `(x - mean) / sqrt(variance + epsilon) * gain + bias` with the
 * biased variance (Ba, Kiros, Hinton, arXiv 1607.06450). The composite `layerNorm/1` {epsilon}.
 *
 * @param x float [..., m] with a known m
 * @param gain float [m]
 * @param bias float [m]
 * @param epsilon > 0, in units of x squared; default 1e-5
 */
export function layerNorm(x: Tensor, gain: Tensor, bias: Tensor, epsilon = 1e-5): Tensor {
  const axis = x.shape.length - 1;
  const size = x.shape[axis];
  if (typeof size !== 'number' || size === 0) {
    throw new DdclError('shape', `layerNorm takes a last axis of known size >= 1, but got ${formatType(x.type)}.`, {
      op: 'layerNorm/1',
      shapes: [x.shape],
    });
  }
  for (const [what, tensor] of [
    ['gain', gain],
    ['bias', bias],
  ] as const) {
    if (sameShape(tensor.shape, [size])) continue;
    throw new DdclError(
      'shape',
      `layerNorm of ${formatType(x.type)} takes a ${what} of shape [${size}], but got ${formatType(tensor.type)}.`,
      {
        op: 'layerNorm/1',
        shapes: [x.shape, tensor.shape],
      },
    );
  }
  if (!(epsilon > 0))
    throw new DdclError('argument', `layerNorm takes epsilon > 0, but got ${epsilon}.`, { op: 'layerNorm/1' });
  const mean = (value: Tensor): Tensor => mul(sum(value, [axis], { keepDims: true }), 1 / size);
  const normalize = (input: Tensor): { normal: Tensor; deviation: Tensor } => {
    const centred = sub(input, mean(input));
    const deviation = sqrt(add(mean(mul(centred, centred)), epsilon));
    return { normal: div(centred, deviation), deviation };
  };
  const [result] = composite(
    {
      name: 'layerNorm/1',
      attributes: { epsilon },
      decomposition: (input, scale, shift) => [add(mul(normalize(input!).normal, scale!), shift!)],
      gradient: ([input, scale, shift], _outputs, [g]) => {
        const { normal, deviation } = normalize(input!);
        const flowing = mul(g!, scale!);
        const inner = sub(sub(flowing, mean(flowing)), mul(normal, mean(mul(flowing, normal))));
        return [div(inner, deviation), unbroadcast(mul(g!, normal), scale!.shape), unbroadcast(g!, shift!.shape)];
      },
    },
    [x, gain, bias],
  );
  return result!;
}
