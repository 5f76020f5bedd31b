/** SQL with the name under which a connection prepares it once. Without a name it is planned each time. */
export interface Statement {
  readonly name?: string;
  readonly text: string;
}
export const statement = (name: string, text: string): Statement => ({ name: `dakia_${name}`, text });
export const adHoc = (text: string): Statement => ({ text });
