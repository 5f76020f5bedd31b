import { chartTools } from './tools.ts';

/** Fetches what the tests of the chart need before they run, so that no test pays for it. */
export default (): void => void chartTools();
