import Foundation
import TestSupport
import Testing

@Suite struct NetworkTests {
    /// A port of this machine that somebody listens at, or that nobody does once it is closed.
    final class Listener {
        let descriptor: Int32
        let port: Int

        init() throws {
            #if os(Linux)
                descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            #else
                descriptor = socket(AF_INET, SOCK_STREAM, 0)
            #endif
            try #require(descriptor >= 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let descriptor = self.descriptor
            let isBound = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, length) == 0 && listen(descriptor, 1) == 0
                        && getsockname(descriptor, $0, &length) == 0
                }
            }
            try #require(isBound)
            port = Int(UInt16(bigEndian: address.sin_port))
        }

        deinit { close(descriptor) }
    }

    @Test("an address in use is named, and nothing is written")
    func addressInUse() async throws {
        let images = try SmallImages()
        let folder = try TemporaryFolder()
        let listener = try Listener()
        let endpoint = "tcp://127.0.0.1:\(listener.port)"
        let result = try await Command.run(
            ["coordinator", "--bind", endpoint, "--insecure", "--workers", "1", "--output", folder("run")]
                + images.searchOptions, in: folder)
        withExtendedLifetime(listener) {}
        result.expectFailure(69, [endpoint, "in use", "--bind"])
        #expect(folder.contents.isEmpty)
    }

    @Test("a worker that finds no coordinator says where it looked")
    func noCoordinator() async throws {
        let folder = try TemporaryFolder()
        let port = try Listener().port
        let endpoint = "tcp://127.0.0.1:\(port)"
        let result = try await Command.run(
            ["worker", "--connect", endpoint, "--insecure", "--connect-timeout", "0.5"], in: folder)
        result.expectFailure(69, [endpoint, "ostr coordinator", "--connect-timeout"])
    }

    @Test("workers that do not come in time end the coordinator with nothing written")
    func noWorkers() async throws {
        let images = try SmallImages()
        let folder = try TemporaryFolder()
        let port = try Listener().port
        let result = try await Command.run(
            [
                "coordinator", "--bind", "tcp://127.0.0.1:\(port)", "--insecure", "--workers", "2", "--join-timeout",
                "0.5", "--output", folder("run"),
            ] + images.searchOptions, in: folder)
        #expect(result.status == 75, "\(result.error)")
        #expect(result.error.contains("0 of 2 workers"))
        #expect(folder.contents.isEmpty)
    }

    @Test(
        "an endpoint that cannot be used is refused",
        arguments: ["nonsense", "tcp://", "tcp://127.0.0.1:99999", "udp://127.0.0.1:1"])
    func endpoint(_ endpoint: String) async throws {
        let images = try SmallImages()
        let folder = try TemporaryFolder()
        let result = try await Command.run(
            ["coordinator", "--bind", endpoint, "--insecure", "--workers", "1", "--output", folder("run")]
                + images.searchOptions, in: folder)
        #expect((64...78).contains(result.status), "\(result.error)")
        #expect(result.error.contains(endpoint), "\(result.error)")
        #expect(folder.contents.isEmpty)
    }

    @Test("TCP without keys has to be asked for")
    func insecure() async throws {
        let images = try SmallImages()
        let folder = try TemporaryFolder()
        let result = try await Command.run(
            ["coordinator", "--bind", "tcp://127.0.0.1:0", "--workers", "1", "--output", folder("run")]
                + images.searchOptions, in: folder)
        result.expectFailure(64, ["--insecure"])
        #expect(folder.contents.isEmpty)
    }
}
