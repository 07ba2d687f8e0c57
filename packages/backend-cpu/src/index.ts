export { cpuBackend, type CpuBackend, type CpuBackendOptions } from './cpu-backend.ts';
