// Command bare is a server that does as little as one can: it answers GET /v1/agents/{id} with bytes that it reads from a bbolt
// file. It is the yardstick of a read through the platform.
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"go.etcd.io/bbolt"
)

var bucket, key = []byte("items"), []byte("agent")

func main() {
	db, err := bbolt.Open(os.Getenv("BARE_FILE"), 0o600, nil)
	if err != nil {
		log.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		items, err := tx.CreateBucket(bucket)
		if err != nil {
			return err
		}
		return items.Put(key, []byte(os.Getenv("BARE_BODY")))
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/agents/{agent_id}", func(w http.ResponseWriter, _ *http.Request) {
		err := db.View(func(tx *bbolt.Tx) error {
			w.Header().Set("Content-Type", "application/json")
			_, err := w.Write(tx.Bucket(bucket).Get(key))
			return err
		})
		if err != nil {
			log.Print(err)
		}
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("http://" + listener.Addr().String())
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() {
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, os.Interrupt)
		<-stop
		if err := server.Close(); err != nil {
			log.Print(err)
		}
	}()
	if err := server.Serve(listener); err != http.ErrServerClosed {
		log.Fatal(err)
	}
}
