import Coordinator
import Foundation

/// Programs for several instruction sets, side by side in one folder: the one that was started hands over to the one that
/// fits the processor best, or that the user names.
///
/// The program called `ostr` chooses; `ostr-portable` and others that are called by their set stay what they are. `--isa`
/// and the variable OSTR_ISA overrule both.
enum HandOver {
    /// Names a set. A program sets it to its own, so that what it starts computes with the same.
    private static let variable = "OSTR_ISA"
    /// The id of the process that was handed over: it is not handed over again.
    private static let mark = "OSTR_HANDED_OVER"

    /// A set that the user named, and how.
    private struct Pin {
        var set: InstructionSet
        /// As it was written: `--isa portable`.
        var text: String
    }

    /// Returns if this is the program to run; otherwise the process goes on as another one. To be called first of all, with
    /// one thread.
    ///
    /// - Parameter arguments: without the program's name.
    /// - Throws: `Failure` if the set that the user named does not exist (64), or if there is no program for it or for this
    ///   processor (69).
    static func begin(arguments: [String]) throws {
        let environment = ProcessInfo.processInfo.environment
        let wasHandedOver = environment[mark] == "\(getpid())"
        unsetenv(mark)
        let own = InstructionSet.own
        let executable = URL(fileURLWithPath: LocalCluster.ownExecutable)
        let chosen =
            if let pin = try optionPin(in: arguments) ?? variablePin(environment[variable]) {
                try program(for: pin, executable)
            } else {
                try best(executable)
            }
        if chosen != own {
            guard !wasHandedOver else {
                throw Failure(
                    .unavailable,
                    "\(executable.path) is built for \(own.rawValue) and not, as its name says, for "
                        + "\(chosen.rawValue); `script/build-all` builds all programs anew")
            }
            try become(chosen, beside: executable)
        }
        setenv(variable, own.rawValue, 1)
    }

    /// What `--isa` names; nil for what the parser will refuse.
    private static func optionPin(in arguments: [String]) -> Pin? {
        var name: Substring?
        for (index, word) in arguments.enumerated() {
            if word == "--isa", index + 1 < arguments.count { name = arguments[index + 1][...] }
            if word.hasPrefix("--isa=") { name = word.dropFirst("--isa=".count) }
        }
        return name.flatMap { InstructionSet(rawValue: String($0)) }.map { Pin(set: $0, text: "--isa \($0.rawValue)") }
    }

    /// What the variable's value names; nil for none.
    private static func variablePin(_ value: String?) throws(Failure) -> Pin? {
        guard let value, !value.isEmpty else { return nil }
        guard let set = InstructionSet(rawValue: value) else {
            throw Failure(
                .usage, "\(variable)=\(value): there is no such instruction set here; there is \(InstructionSet.names)")
        }
        return Pin(set: set, text: "\(variable)=\(value)")
    }

    private static func program(for pin: Pin, _ executable: URL) throws(Failure) -> InstructionSet {
        guard pin.set.isSupported else {
            throw Failure(.unavailable, "\(pin.text): this processor lacks \(pin.set.requirement)")
        }
        guard pin.set == .own || isThere(pin.set, beside: executable) else {
            throw Failure(
                .unavailable,
                "\(pin.text): this program is built for \(InstructionSet.own.rawValue), and there is no "
                    + "\(sibling(pin.set, executable).path); `script/build-all` builds it")
        }
        return pin.set
    }

    /// The best set that this processor has and there is a program for.
    private static func best(_ executable: URL) throws(Failure) -> InstructionSet {
        let own = InstructionSet.own
        let isNamed = executable.lastPathComponent == "ostr-\(own.rawValue)"
        let candidates = isNamed ? [own] : InstructionSet.allCases.reversed()
        guard
            let best = candidates.first(where: { $0.isSupported && ($0 == own || isThere($0, beside: executable)) })
        else {
            throw Failure(
                .unavailable,
                "this processor lacks what the kernels are built for: \(own.requirement); `script/build-all` builds "
                    + "programs for all processors")
        }
        return best
    }

    private static func sibling(_ set: InstructionSet, _ executable: URL) -> URL {
        executable.deletingLastPathComponent().appendingPathComponent(set.program)
    }

    private static func isThere(_ set: InstructionSet, beside executable: URL) -> Bool {
        let path = sibling(set, executable).path
        return path != executable.path && FileManager.default.isExecutableFile(atPath: path)
    }

    /// Replaces the program of this process, which keeps its id, arguments and open files.
    private static func become(_ set: InstructionSet, beside executable: URL) throws(Failure) {
        let path = sibling(set, executable).path
        setenv(variable, set.rawValue, 1)
        setenv(mark, "\(getpid())", 1)
        execv(path, CommandLine.unsafeArgv)
        throw Failure(.system, "cannot start \(path): \(String(cString: strerror(errno)))")
    }
}
