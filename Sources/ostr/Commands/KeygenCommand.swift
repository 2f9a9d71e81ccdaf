import ArgumentParser
import Transport

/// `ostr keygen`: keys for runs over the network.
struct KeygenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keygen",
        abstract: "Makes the keys with which coordinator and workers know each other.",
        discussion: """
            Each process has a secret key in a file that its owner alone can read. For every file a line with the \
            public key and a name is printed, in the form of the list that the coordinator gets with --allow. Nothing \
            is ever overwritten.

              ostr keygen coordinator > coordinator.pub
              ostr keygen worker-1 worker-2 >> workers.allow
              ostr coordinator --key coordinator --allow workers.allow --bind 'tcp://*:7201' --workers 2
              ostr worker --key worker-1 --server-key coordinator.pub --connect tcp://first:7201

            A worker's machine needs its own secret key and coordinator.pub, nothing else.
            """)

    @Argument(help: ArgumentHelp("Files to make, one for each process.", valueName: "file"))
    var files: [String]

    @Flag(help: "Make nothing; print the lines of keys that exist.")
    var show = false

    mutating func run() throws {
        for file in files {
            let pair = show ? try KeyFile.read(file) : try KeyFile.create(at: file)
            let name = file.split(separator: "/").last.map(String.init) ?? file
            try StandardOutput.print([AllowList.line(pair.publicKey, name: name)])
        }
    }
}
