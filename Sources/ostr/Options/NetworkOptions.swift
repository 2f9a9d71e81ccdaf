import ArgumentParser
import Coordinator
import Transport
import Worker

/// What coordinators and workers share.
struct NetworkOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "This process's secret key, a file that `ostr keygen` made. TCP wants one.", valueName: "file"))
    var key: String?

    @Flag(
        help: ArgumentHelp(
            "Go without keys over TCP: whoever reaches the port can read and join the run. For networks you trust."))
    var insecure = false

    /// Keys come in twos, and without `--insecure`.
    func check(_ other: String?, _ name: String) throws {
        if (key == nil) != (other == nil) {
            throw ValidationError("--key and \(name) belong together; give both or neither.")
        }
        if insecure && key != nil { throw ValidationError("--insecure is for runs without --key; give one of them.") }
    }

    /// The coordinator's keys, when there are any.
    func keys(allow: String?) throws(KeyError) -> CoordinatorKeys? {
        guard let key, let allow else { return nil }
        return CoordinatorKeys(own: try KeyFile.read(key), allowed: try AllowList(reading: allow))
    }

    /// A worker's keys, when there are any.
    func keys(server: String?) throws(KeyError) -> WorkerKeys? {
        guard let key, let server else { return nil }
        return WorkerKeys(own: try KeyFile.read(key), coordinator: try .init(text: server))
    }
}

extension Check {
    /// Seconds that a person means: more than 0, at most a year.
    static func timeout(_ seconds: Double, _ name: String) throws {
        if !(seconds > 0 && seconds <= 31_536_000) {
            throw ValidationError("\(name) \(seconds) is impossible; give seconds, more than 0 and at most a year.")
        }
    }
}
