import Foundation
import Supernet
import Yams

/// A search space that a user wrote, as YAML; `docs/spaces.md` has the format.
public enum SpaceFile {
    /// In bytes; larger files are none.
    public static let largest = 1 << 14
    /// Levels of nesting; a space has three. The parser calls itself for each.
    private static let deepest = 16

    /// - Throws: `SpaceFileError` with the line of what is wrong.
    public static func read(_ path: String) throws(SpaceFileError) -> SpaceDefinition {
        let data: Data
        do {
            let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            data = try handle.read(upToCount: largest + 1) ?? Data()
        } catch {
            throw .unreadable(file: path, reason: error.localizedDescription)
        }
        guard data.count <= largest else {
            throw .malformed(file: path, line: nil, problem: "larger than \(largest) bytes")
        }
        guard let text = String(data: data, encoding: .utf8) else {
            throw .malformed(file: path, line: nil, problem: "not UTF-8")
        }
        return try parse(text, file: path)
    }

    /// As above, from a text.
    /// - Parameter file: its name in errors.
    public static func parse(_ text: String, file: String) throws(SpaceFileError) -> SpaceDefinition {
        if let line = lineTooDeep(text) {
            throw .malformed(file: file, line: line, problem: "nested too deeply")
        }
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw error.spaceFileError(file)
        }
        guard let root else { throw .malformed(file: file, line: nil, problem: "it is empty") }
        var reader = SpaceReader(file: file)
        let definition = try reader.definition(root)
        if let fault = definition.fault {
            throw .malformed(file: file, line: reader.lines[fault.place], problem: fault.problem)
        }
        if SearchSpace.all.contains(where: { $0.name == definition.name }) {
            throw .malformed(
                file: file, line: reader.lines[.name],
                problem: "a space '\(definition.name)' is built in; give this one another name")
        }
        return definition
    }

    /// The first line that is indented too far, or whose brackets or `- ` are too many for any level that is allowed.
    private static func lineTooDeep(_ text: String) -> Int? {
        var open = 0
        for (number, line) in text.utf8.split(separator: 10, omittingEmptySubsequences: false).enumerated() {
            var rest = line.drop { $0 == 32 || $0 == 9 }
            var depth = line.count - rest.count
            while let first = rest.first, "-?:".utf8.contains(first), [32, 9].contains(rest.dropFirst().first) {
                depth += 1
                rest = rest.dropFirst(2).drop { $0 == 32 || $0 == 9 }
            }
            for byte in line {
                if "[{".utf8.contains(byte) { open += 1 }
                if "]}".utf8.contains(byte) { open = max(0, open - 1) }
                if open > deepest { return number + 1 }
            }
            if depth > deepest { return number + 1 }
        }
        return nil
    }
}

extension Error {
    fileprivate func spaceFileError(_ file: String) -> SpaceFileError {
        switch self as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return .malformed(file: file, line: mark.line, problem: "not YAML: \(problem)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            let key = (duplicates.first ?? "?").prefix(40)
            return .malformed(file: file, line: context.mark.line, problem: "the key '\(key)' is there twice")
        default:
            let text = "\(self)".split(whereSeparator: \.isNewline).first ?? ""
            return .malformed(file: file, line: nil, problem: "not YAML: \(text)")
        }
    }
}
