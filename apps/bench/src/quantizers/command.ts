import { Command } from 'commander';
import { progress, writeWhole } from '../command-line.ts';
import { startPython, type Answer } from '../peer/python-peer.ts';
import { compareQuantizers, type Agreement } from './agreement.ts';

interface QuantizersCommand {
  readonly python: string;
  readonly json?: boolean;
  readonly out?: string;
}

async function runQuantizers({ python, json, out }: QuantizersCommand): Promise<void> {
  const peer = startPython(python, 'quantizers_peer.py', 1);
  try {
    const versions = await peer.ask({ do: 'versions' });
    const rows = await compareQuantizers(peer, progress);
    const faults = await peer.ask({ do: 'faults' });
    progress('');
    const page = formatQuantizers(rows, faults, versions);
    if (out !== undefined) writeWhole(out, page);
    process.stdout.write(`${json ? JSON.stringify({ versions, rows, faults }) : page}\n`);
  } finally {
    peer.dispose();
  }
}

const power = (value: number | undefined): string =>
  value === undefined ? '' : value === 0 ? '0' : value.toExponential(1);

function formatQuantizers(rows: readonly Agreement[], faults: Answer, versions: Answer): string {
  const table = rows.map(
    ({ name, indices, output, loss, gradient, codes }) =>
      `| ${name} | ${indices} | ${power(output)} | ${power(loss)} | ${power(gradient)} | ${power(codes)} |`,
  );
  const [plain, masked] = faults['maskCosine'] as [number, number];
  const [zero, blown] = faults['zero'] as [number, number];
  return `# Quantizers beside vector-quantize-pytorch

Written by \`node apps/bench/dist/main.js quantizers --python PYTHON --out FILE.md\` on ${new Date().toISOString().slice(0, 10)}: vector-quantize-pytorch ${versions['library']}, PyTorch ${versions['torch']}, Python ${versions['python']}, Node ${process.version.slice(1)}.

Largest deviations over five draws of 64 latents, both in float64, relative to the largest number: the output, the quantizer's own loss, the gradient of \`sum(output * upstream) + loss\` with respect to the latents (and to the matrix of \`simvq\`), and the codes after
one batch of running averages. \`ema\`, \`rotation\` and \`cosine\` are without Laplace smoothing there (\`eps=0\`), which ddcl has not.

| quantizer | indices that differ | output | loss | gradient | codes after a batch |
| --- | --- | --- | --- | --- | --- |
${table.join('\n')}

Where it goes through float32 (codebooks take \`x.float()\`, FSQ's constants come of whole-number tensors) 1e-8 is agreement, elsewhere 1e-15. Its entropies of \`lfq\` stop their logarithm at 1e-5, which would show with codes rarer than that.

Where it is wrong, as it was seen in the same run:

| case | what it does | ddcl |
| --- | --- | --- |
| a mask of ones with \`codebook_dim\` | ${String(faults['maskCodebookDim'])} | as without a mask |
| a mask of ones with \`heads\` | ${String(faults['maskHeads'])} | as without a mask |
| a mask of ones with \`use_cosine_sim\` | a loss of ${masked.toPrecision(3)} in place of ${plain.toPrecision(3)} | as without a mask |
| decoding the index -1, which is that of masked positions | ${faults['negative'] === true ? 'the last code, silently' : 'something else than the last code'} | refused |
| rotation of a latent of length 0 | output ${zero.toPrecision(2)}, gradient ${blown.toExponential(1)} | the code, straight-through |
`;
}

/** `bench quantizers`. */
export function quantizersCommand(): Command {
  return new Command('quantizers')
    .description('values and gradients of quantizers beside vector-quantize-pytorch on the same numbers')
    .requiredOption('--python <path>', 'a Python with vector-quantize-pytorch (apps/bench/peers)')
    .option('--out <file.md>', 'write the page')
    .option('--json', 'print one JSON object on stdout')
    .action(runQuantizers);
}
