import ArgumentParser
import Foundation
import Reporting

/// The entry: parses, runs, and ends with one clear line and a fitting exit code when something is wrong.
@main
enum Program {
    /// Standard error, shared by progress, log and errors so that they do not write into each other's lines.
    static let console = Console()

    static func main() {
        do {
            try HandOver.begin(arguments: Array(CommandLine.arguments.dropFirst()))
            var command = try Ostr.parseAsRoot()
            try command.run()
        } catch {
            end(with: error)
        }
    }

    /// What lists the options of the command that was typed.
    private static var helpCommand: String {
        let known = Ostr.configuration.subcommands.map { $0._commandName }
        let typed = CommandLine.arguments.dropFirst().first { known.contains($0) }
        return "ostr help" + (typed.map { " \($0)" } ?? "")
    }

    /// Prints what went wrong and ends the process.
    static func end(with error: any Error) -> Never {
        console.clearStatus()
        if let failure = Failure.of(error) {
            console.print(failure.status == .saved ? "ostr: \(failure.message)" : "ostr: error: \(failure.message)")
            exit(failure.status.rawValue)
        }
        let code = Ostr.exitCode(for: error)
        if code == .success {
            // A request for help, the version or a completion script.
            print(Ostr.fullMessage(for: error))
            exit(code.rawValue)
        }
        // The parser lists allowed values on lines of their own; an error is one line here.
        let message = Ostr.message(for: error).split(separator: "\n").enumerated().map { number, line in
            let text = line.trimmingCharacters(in: .whitespaces)
            guard number > 0, text.hasPrefix("- ") else { return (number == 0 ? "" : " ") + text }
            return (number == 1 ? " " : ", ") + text.dropFirst(2)
        }.joined()
        let end = message.last.map { ".?!".contains($0) } ?? true ? "" : "."
        console.print("ostr: error: \(message)\(end) See `\(helpCommand)`.")
        exit(code.rawValue)
    }
}

/// The root command.
struct Ostr: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ostr",
        abstract: "Finds neural architectures by operation strength, on as many processes as you give it.",
        discussion: """
            `ostr` trains a DARTS supernet on real images and then, edge by edge, keeps the operation whose \
            presence alone makes the loss smallest (OStr-DARTS, arXiv 2409.14433). For one configuration and seed \
            the result is the same to the bit, however many workers compute it.

            Begin with:
              ostr search          a whole search, a few minutes on 2 cores
              ostr help search     every option, with its default

            Exit codes:
              0   done, or interrupted and kept: go on with --resume
              64  wrong usage or impossible values
              65  malformed input; 66 missing input
              69  an address in use, or nobody at an address; a processor that lacks what the program needs
              70  the computation failed; 71 the system refused something
              73  the output folder cannot be created; 74 a write failed
              75  all workers were lost, or too few came in time
              77  a key that is not allowed, or that others can read
              78  a worker and a coordinator that do not fit each other
            """,
        version: "\(Version.current) (\(InstructionSet.own.rawValue))",
        subcommands: [
            SearchCommand.self, CoordinatorCommand.self, WorkerCommand.self, SelectCommand.self, QueryCommand.self,
            GenotypeCommand.self, TrainCommand.self, EvaluateCommand.self, ExportCommand.self, StudyCommand.self,
            BenchCommand.self, CheckpointCommand.self,
            KeygenCommand.self,
        ])
}
