/** A refusal of the API: its problem document (RFC 9457), or what came in its place. */

export class RvmError extends Error {
  /** `code` is the problem's, such as `number_invalid`; docs/integrate/problems.md lists them. */
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly requestId: string | null,
    readonly problem: unknown,
  ) {
    super(message);
    this.name = "RvmError";
  }

  /** The error of an answer with a status of 400 or above. */
  static async of(response: Response): Promise<RvmError> {
    const problem: unknown = await response.json().catch(() => null);
    const { code = "", detail = `The server answered with ${response.status}.` } = isObject(problem) ? problem : {};
    return new RvmError(response.status, String(code), String(detail), response.headers.get("x-request-id"), problem);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
