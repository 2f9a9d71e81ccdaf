import Checkpoint
import Logging
import Supernet

/// The weights and alphas of a supernet that somebody else may have trained, with what their files have besides.
struct SuppliedSupernet {
    let content: SupernetFile.Content

    /// - Throws: what says how the files differ from the supernet; each difference is an info of the log.
    init(_ options: SelectOptions, file: SafetensorsFile, supernet: Supernet) throws {
        let logger = Logger(label: "ostr.select")
        let alphas = try options.alphas.map { path throws(CheckpointError) in try SafetensorsFile(reading: path) }
        do throws(CheckpointError) {
            content = try SupernetFile.read(
                file, weights: supernet.parameters, alphas: supernet.alphaDirectory, alphasFile: alphas,
                space: supernet.space)
        } catch {
            guard case .mismatch(let path, let mismatch) = error else { throw error }
            for line in mismatch.lines { logger.info("\(path): \(line)") }
            let names = supernet.alphaDirectory.entries.map(\.name)
            if mismatch.missing == names, mismatch.differences.isEmpty, mismatch.unexpected.isEmpty, alphas == nil {
                throw Failure(
                    .data,
                    "\(path): it has no alphas (\(names.joined(separator: ", "))), which quark0's code keeps outside of the "
                        + "weights; give their file with --alphas")
            }
            throw Failure(
                .data, mismatch.lines.count > 3 ? "\(error) (all of it: --log-level info)" : error.description)
        }
        for name in content.ignored { logger.info("\(file.path): `\(name)` is not needed") }
        if !content.ignored.isEmpty {
            let shown = content.ignored.prefix(3).map { "`\($0)`" }.joined(separator: ", ")
            let more = content.ignored.count > 3 ? " and \(content.ignored.count - 3) more (--log-level info)" : ""
            Program.console.print("not needed of \(file.path): \(shown)\(more)")
        }
    }
}
