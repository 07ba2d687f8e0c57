import { softwareVulkan } from '../../../../tooling/software-vulkan.ts';
import { ddclProcess } from './support.ts';

const env = softwareVulkan();

/** What a command that must end well wrote to stdout, run where Vulkan finds a device in software. */
export async function onSoftware(args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await ddclProcess(args, { env });
  if (status === 0) return stdout;
  throw new Error(`ddcl ${args.join(' ')}: status ${status}\n${stderr}`);
}

interface Checked {
  readonly backends: readonly { readonly name: string; readonly runs: boolean; readonly detail: string }[];
}

/** What `ddcl doctor` says of WebGPU. Under CI it is an error if that finds no adapter. */
export async function webgpuCheck(): Promise<Checked['backends'][number]> {
  const { backends } = JSON.parse(await onSoftware(['doctor', '--json'])) as Checked;
  const check = backends.find(({ name }) => name === 'webgpu')!;
  if (check.runs) return check;
  if (process.env['CI'])
    throw new Error(`WebGPU has to run here: ${check.detail}. 'npm run setup:browser' installs it.`);
  process.stderr.write(
    "ddcl: skipped tests of --backend webgpu: no adapter. Install one with 'npm run setup:browser'.\n",
  );
  return check;
}
