import Foundation
import NASBench201
import Supernet

/// A genotype as a user gives it: the text itself, a file that has it, or `-` for standard input.
enum GenotypeInput {
    /// - Parameter spaces: the spaces that it may be of.
    /// - Throws: `Failure` for a file that cannot be read, `GenotypeError` with line and column, `ArchitectureError`.
    static func read(_ input: String, among spaces: [SearchSpace]) throws -> Genotype {
        let text = try text(input)
        if text.hasPrefix("|"), spaces.contains(.nasbench201) {
            // A run's file has the genotype on a second line.
            let line = text.prefix { !$0.isNewline }.trimmingCharacters(in: .whitespaces)
            let operations = try Architecture(parsing: line).operations
            return Genotype(space: .nasbench201, operations: operations, kept: operations.map { _ in true })
        }
        return try Genotype(parsing: text, among: spaces)
    }

    private static func text(_ input: String) throws -> String {
        let trimmed = input.trimmingCharacters(in: .whitespacesAndNewlines)
        if trimmed.hasPrefix("|") || trimmed.contains("(") { return trimmed }
        do {
            let handle: FileHandle =
                try input == "-" ? .standardInput : FileHandle(forReadingFrom: URL(fileURLWithPath: input))
            // One byte more than a genotype may have: the reader says that it is too long.
            let data = try handle.read(upToCount: Genotype.longestText + 1) ?? Data()
            return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        } catch {
            throw Failure(
                .noInput, "\(input): no genotype and no file that can be read: \(error.localizedDescription)")
        }
    }
}
