import Testing

@testable import Transport

struct MessagingContextTests {
    @Test("more than a thousand sockets may be open, as many as a worker of a large world has")
    func manySockets() throws {
        let context = try MessagingContext()
        var configuration = SocketConfiguration(.dealer)
        configuration.linger = .zero
        var sockets: [MessagingSocket] = []
        for _ in 0..<1500 { sockets.append(try MessagingSocket(context, configuration)) }
        #expect(sockets.count == 1500)
    }
}
