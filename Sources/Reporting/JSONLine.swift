/// Values as one line of JSON, for programs that read standard output.
public enum JSONLine {
    /// JSON with sorted keys and no newline.
    public static func text(_ value: some Encodable) throws(ReportingError) -> String {
        do {
            return String(decoding: try RunFolder.encode(value, pretty: false).dropLast(), as: UTF8.self)
        } catch {
            throw .write(file: "standard output", reason: "\(error)")
        }
    }
}
