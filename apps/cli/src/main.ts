#!/usr/bin/env node
import { reportUncaught, runCli } from './cli.ts';

reportUncaught();
process.exitCode = await runCli(process.argv);
