/** 10 to 18. */
export const MAJORS: readonly number[];

/** The directory of each major's programs, after fetching those that are not there. Throws where that fails. */
export function ensureMajors(): Readonly<Record<string, string>>;
